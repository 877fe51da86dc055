//! Which balances and payouts are read before a message is handled.

use std::collections::BTreeSet;

use schemas::{
    Body, CommissionApprovedV1, CommissionReversedV1, Event as _, Message, RecordPayoutAnswerV1,
};
use types::{BrandId, EarningStatus, Micros, PartnerId, Uuid};

use super::super::{Read, read};
use super::{calculated, events, message, request, usd};
use crate::domain::{Account, AccountType, Actor, Balance, Context, Event, Ledger, react};
use crate::state::touched;

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

fn assert_loaded(message: &Message, event: &Event) {
    let (mut accounts, mut payouts) = (BTreeSet::new(), BTreeSet::new());
    touched(message, &mut accounts, &mut payouts);
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
    let context = Context {
        now: Micros(0),
        cause: Uuid::nil(),
        actor: Actor::System,
    };
    for message in facts() {
        let Ok(Read::Fact(fact)) = read(&message, None) else {
            panic!("it was not read");
        };
        for ledger in [&Ledger::default(), &full] {
            let event = react(ledger, &fact, &context);
            assert!(!event.transfers().is_empty());
            assert_loaded(&message, &event);
        }
    }
    for event in events() {
        let out = event.write();
        assert_loaded(&message(&out.key, &out.subject, out.body), &event);
    }
    // A request moves what its event moves, and an answer what the payout's end moves.
    let [requested, .., paid, failed, _] = &events()[..] else {
        panic!("there are seven");
    };
    assert_loaded(&request("paypal", "USD"), requested);
    let answer = Body::from(RecordPayoutAnswerV1 {
        answer: "paid".to_owned(),
        provider_ref: None,
        reason: None,
    });
    let answer = message("partner123", "pay_1", answer);
    assert_loaded(&answer, paid);
    assert_loaded(&answer, failed);
}
