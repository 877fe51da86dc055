//! Which balances and payouts are read before a message is handled.

use schemas::{
    Body, CommissionApprovedV1, CommissionReversedV1, Event as _, Message, RecordPayoutAnswerV1,
    SetBillingV1, SetFundsWarningV1, TransferFundsV1, WithdrawV1,
};
use types::{Billing, BrandId, EarningStatus, Micros, PartnerId, Uuid};

use super::super::{Read, read};
use super::{calculated, events, message, request, usd};
use crate::domain::{Account, AccountType, Actor, Balance, Context, Event, Ledger, Terms, react};
use crate::state::Touched;

/// Every fact that commission can state.
fn facts() -> Vec<Message> {
    let partner_id = PartnerId::parse("partner123").unwrap();
    let brand_id = BrandId::parse("brand1").unwrap();
    let mut held = calculated();
    let Body::CommissionCalculatedV1(body) = &mut held.body else {
        panic!("it was calculated");
    };
    body.status = "held".to_owned();
    let approved = CommissionApprovedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        amount: usd(1_000),
    };
    let reversed = EarningStatus::ALL.map(|from| CommissionReversedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        amount: usd(1_000),
        reversed_total: usd(1_000),
        from,
    });
    let mut facts = vec![calculated(), held];
    facts.push(message("conv1", "conv1", Body::from(approved)));
    facts.extend(reversed.map(|body| message("conv1", "conv1", Body::from(body))));
    facts
}

fn assert_loaded(message: &Message, event: &Event, ledger: &Ledger) {
    let mut touched = Touched::default();
    touched.add(message);
    touched.wait_at(ledger);
    let (accounts, payouts) = (touched.all_accounts(), touched.payouts);
    for transfer in event.transfers() {
        for account in [transfer.debit, transfer.credit] {
            assert!(accounts.contains(&account.to_string()), "{account}");
        }
    }
    let payout = event.payout().map(ToString::to_string);
    assert!(payout.is_none_or(|payout| payouts.contains(&payout)));
}

/// A balance is written whole: one that was moved without having been read would be lost.
#[test]
fn every_balance_that_a_message_moves_is_read_first() {
    let mut full = Ledger::default();
    for account_type in AccountType::ALL {
        let account = Account::Partner(PartnerId::parse("partner123").unwrap(), account_type);
        full.balances.insert(Balance::of(account, usd(0)), 5_000);
    }
    // Of a brand that pays before nothing is covered here.
    let mut prepaid = Ledger::default();
    let brand = BrandId::parse("brand1").unwrap();
    let stated = prepaid.billing.entry(brand).or_default();
    let terms = Terms {
        billing: Billing::Prepaid,
        credit_limit: None,
    };
    stated.insert(usd(0).currency, terms);
    let context = Context {
        now: Micros(0),
        cause: Uuid::nil(),
        actor: Actor::System,
        brand: None,
    };
    for message in facts() {
        let Ok(Read::Fact(fact)) = read(&message, None) else {
            panic!("it was not read");
        };
        for ledger in [&Ledger::default(), &full, &prepaid] {
            let event = react(ledger, &fact, &context);
            assert!(!event.transfers().is_empty());
            assert_loaded(&message, &event, ledger);
        }
    }
    for event in events() {
        let out = event.write();
        assert_loaded(&message(&out.key, &out.subject, out.body), &event, &full);
    }
    // A request moves what its event moves, and an answer what the payout's end moves.
    let events = events();
    let [requested, _, _, _, paid, failed, ..] = &events[..] else {
        panic!("there are more");
    };
    assert_loaded(&request("paypal", "USD"), requested, &full);
    let answer = Body::from(RecordPayoutAnswerV1 {
        answer: "paid".to_owned(),
        provider_ref: None,
        reason: None,
    });
    let answer = message("partner123", "pay_1", answer);
    assert_loaded(&answer, paid, &full);
    assert_loaded(&answer, failed, &full);
}

/// Whether a brand is warned follows from what its funds cover before and after.
#[test]
fn whatever_can_leave_less_of_a_brands_funds_reads_what_is_left_and_below_which_amount_it_is_warned()
 {
    let brand_id = || "brand1".to_owned();
    let some = || usd(100).into();
    let withdraw = WithdrawV1 {
        brand_id: brand_id(),
        account: None,
        amount: some(),
        reference: None,
    };
    let transfer = TransferFundsV1 {
        brand_id: brand_id(),
        from_account: None,
        to_account: Some("reserve".to_owned()),
        amount: some(),
    };
    let billing = SetBillingV1 {
        currency: "USD".to_owned(),
        billing: "prepaid".to_owned(),
        credit_limit: None,
    };
    let warning = SetFundsWarningV1 {
        currency: "USD".to_owned(),
        amount: Some(100),
    };
    let mut warned = Ledger::default();
    let brand = BrandId::parse("brand1").unwrap();
    let stated = warned.billing.entry(brand).or_default();
    stated.insert(usd(0).currency, Terms::DEFAULT);
    let messages = [
        calculated(),
        message("wdr_1", "wdr_1", withdraw.into()),
        message("brand1", "trf_1", transfer.into()),
        message("brand1", "brand1", billing.into()),
        message("brand1", "brand1", warning.into()),
    ];
    for message in messages {
        let mut touched = Touched::default();
        touched.add(&message);
        touched.wait_at(&warned);
        assert!(touched.brands.contains("brand1"), "{message:?}");
        let accounts = touched.all_accounts();
        for account in ["brand:brand1:funds", "brand:brand1:unfunded"] {
            assert!(accounts.contains(account), "{account}: {message:?}");
        }
    }
}

/// Until the batch that sets a brand's billing nothing of it waited, but its partner may wait for another brand.
#[test]
fn a_fact_behind_its_brands_first_billing_reads_what_may_wait() {
    let set = SetBillingV1 {
        currency: "USD".to_owned(),
        billing: "prepaid".to_owned(),
        credit_limit: None,
    };
    let mut touched = Touched::default();
    touched.add(&message("brand1", "brand1", set.into()));
    touched.add(&calculated());
    touched.wait_at(&Ledger::default());
    let accounts = touched.all_accounts();
    for account in ["partner:partner123:unfunded", "brand:brand1:unfunded"] {
        assert!(accounts.contains(account), "{account}");
    }
}
