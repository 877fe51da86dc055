//! What goes out reads back, and what comes in is never trusted.
#![allow(clippy::unwrap_used)]

mod loading;

use schemas::{
    About, BeginPayoutV1, BillingChangedV1, Body, CommissionCalculatedV1, DepositAnnouncedV1,
    DepositFailedV1, Event as _, Header, Message, PaymentCode, PayoutFailedV1, PayoutPaidV1,
    PayoutRequestedV1, PayoutSubmittedV1, PayoutSubmittingV1, PayoutUnknownV1, Record,
    RecordPayoutAnswerV1, RefundRecoveredV1, RequestPayoutV1, StatementIssuedV1, WireMoney,
    WithdrawalRequestedV1,
};
use sealing::Details;
use types::{
    AccountName, BankFailure, Billing, BrandId, ConversionType, DepositId, Micros, PartnerId,
    PayoutId, StatementId, TermsVersion, Uuid, WithdrawalId,
};

use super::{Read, read};
use crate::domain::{
    Account, AccountType, Cause, Code, Command, Event, Fact, Funding, Method, Note, Posting,
    StatementLine, Transfer,
};

fn header(key: &str, subject: &str) -> Header {
    Header {
        id: Uuid::nil(),
        kind: String::new(),
        source: "bff".to_owned(),
        subject: subject.to_owned(),
        key: key.to_owned(),
        time: Micros(0),
        epoch: None,
        sequence: None,
        correlation_id: Uuid::nil(),
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    }
}

fn message(key: &str, subject: &str, body: Body) -> Message {
    Message {
        header: header(key, subject),
        body,
    }
}

fn usd(minor: i64) -> types::Money {
    types::Money::new(minor, types::Currency::USD)
}

/// A step of `pay_1`.
fn of<R: Record<Key = PartnerId, Subject = PayoutId>>(record: R) -> Event
where
    Event: From<About<R>>,
{
    About {
        key: PartnerId::parse("partner123").unwrap(),
        subject: PayoutId::parse("pay_1").unwrap(),
        record,
    }
    .into()
}

fn events() -> Vec<Event> {
    let partner = PartnerId::parse("partner123").unwrap();
    let (amount, method, transfer_id) = (usd(15_000), Method::Paypal, Uuid::from_u128(7));
    let provider_ref = Some("sim_1".to_owned());
    let reason = Some("why".to_owned());
    let transfers = vec![Transfer {
        id: transfer_id,
        debit: Account::BrandFunds(types::BrandId::parse("brand1").unwrap()),
        credit: Account::Partner(partner, AccountType::Payable),
        money: amount,
    }];
    let mut events = vec![
        of(PayoutRequestedV1 {
            amount,
            method,
            masked: "u***@example.com".to_owned(),
            transfer_id,
        }),
        of(PayoutSubmittingV1 {
            attempt: 2,
            reference: PayoutId::parse("pay_1").unwrap(),
            amount,
            method,
        }),
        of(PayoutSubmittedV1 {
            amount,
            provider_ref: provider_ref.clone(),
            reason: None,
        }),
        of(PayoutUnknownV1 {
            amount,
            provider_ref: None,
            reason: reason.clone(),
        }),
        of(PayoutPaidV1 {
            amount,
            transfer_id,
            provider_ref: provider_ref.clone(),
        }),
        of(PayoutFailedV1 {
            amount,
            transfer_id,
            provider_ref,
            reason,
        }),
        Event::LedgerPosted(Posting {
            cause: Cause::Calculated,
            owner: "partner123".to_owned(),
            conversion: "conv1".to_owned(),
            transfers: transfers.clone(),
            note: Some(Note::PendingShort),
        }),
    ];
    events.extend(of_funds(amount, transfer_id, transfers));
    events.push(statement().into());
    events
}

fn statement() -> About<StatementIssuedV1> {
    let (partner, month) = ("partner123".parse().unwrap(), "2026-11".parse().unwrap());
    let line = StatementLine {
        account: AccountType::Payable,
        currency: types::Currency::USD,
        opening: -100,
        credited: 500,
        debited: 0,
        closing: 400,
    };
    About {
        subject: StatementId::of(&partner, month),
        key: partner,
        record: StatementIssuedV1 {
            month,
            lines: vec![line],
            through: 4_711,
        },
    }
}

/// What can happen to a brand's money.
fn of_funds(amount: types::Money, transfer_id: Uuid, transfers: Vec<Transfer>) -> Vec<Event> {
    let brand_id: BrandId = "brand1".parse().unwrap();
    let account: Option<AccountName> = Some("reserve".parse().unwrap());
    let (deposit, withdrawal) = ("dep_1".parse().unwrap(), "wdr_1".parse().unwrap());
    let announced = DepositAnnouncedV1 {
        brand_id: brand_id.clone(),
        account: account.clone(),
        amount,
        reference: Some("INV-1".parse().unwrap()),
        transfer_id,
    };
    let requested = WithdrawalRequestedV1 {
        brand_id: brand_id.clone(),
        account: account.clone(),
        amount,
        reference: None,
        transfer_id,
    };
    let failed = DepositFailedV1 {
        brand_id: brand_id.clone(),
        account,
        amount,
        transfer_id,
        reason: BankFailure::Other,
    };
    let changed = BillingChangedV1 {
        currency: amount.currency,
        billing: Billing::Postpaid,
        credit_limit: Some(7),
    };
    let recovered = RefundRecoveredV1 {
        partner_id: PartnerId::parse("partner123").unwrap(),
        amount,
        transfer_id,
    };
    vec![
        About::of(DepositId::clone(&deposit), announced).into(),
        About::of(WithdrawalId::clone(&withdrawal), requested).into(),
        About::of(deposit, failed).into(),
        About::of(brand_id.clone(), changed).into(),
        About::of(brand_id.clone(), recovered).into(),
        Event::EarningsFunded(Funding {
            brand: brand_id,
            currency: amount.currency,
            transfers,
            conversions: vec!["conv1".parse().unwrap()],
        }),
    ]
}

#[test]
fn every_event_reads_back_as_it_went_out() {
    for event in events() {
        let out = event.write();
        let back = Event::read(&message(&out.key, &out.subject, out.body));
        assert_eq!(back, Ok(Some(event)));
    }
}

fn calculated() -> Message {
    let fact = CommissionCalculatedV1 {
        partner_id: PartnerId::parse("partner123").unwrap(),
        brand_id: "brand1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        event_type: ConversionType::Purchase,
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "half_even".to_owned(),
        amount: usd(1_000),
        status: "approved".to_owned(),
        hold_until: None,
    };
    message("conv1", "conv1", Body::from(fact))
}

#[test]
fn a_fact_of_no_conversion_cannot_be_read() {
    let good = calculated();
    let mut odd = good.clone();
    odd.header.subject = "a b".to_owned();
    let unread = read(&odd, None).unwrap_err();
    assert_eq!(unread.code, Code::Unreadable, "{}", unread.detail);
    let good = read(&good, None);
    assert!(matches!(good, Ok(Read::Fact(Fact::Calculated(_)))));
}

fn request(method: &str, currency: &str) -> Message {
    let request = RequestPayoutV1 {
        amount: WireMoney {
            minor: 1,
            currency: currency.to_owned(),
        },
        method: method.to_owned(),
        sealed_details: Vec::new(),
        key_id: "key1".to_owned(),
        masked: "user@example.com".to_owned(),
    };
    message("partner123", "pay_1", Body::from(request))
}

#[test]
fn what_a_sender_calls_masked_is_masked_anew() {
    let opened = Details::parse(br#"{"email":"user@example.com"}"#).unwrap();
    let Ok(Read::Command(Command::RequestPayout(request))) =
        read(&request("paypal", "USD"), Some(&opened))
    else {
        panic!("it was not read");
    };
    assert_eq!(request.masked, "u***@example.com");
    assert!(request.details_open);
}

#[test]
fn details_that_do_not_fit_the_method_count_as_closed() {
    let opened = Details::parse(br#"{"email":"user@example.com"}"#).unwrap();
    let read = read(&request("bank_transfer", "USD"), Some(&opened));
    let Ok(Read::Command(Command::RequestPayout(request))) = read else {
        panic!("it was not read");
    };
    assert!(!request.details_open);
    assert_eq!(request.masked, "");
}

#[test]
fn odd_requests_are_refused_with_their_code() {
    let refused = |message| read(&message, None).unwrap_err().code;
    assert_eq!(refused(request("cash", "USD")), Code::MethodUnknown);
    assert_eq!(refused(request("paypal", "usd")), Code::CurrencyUnknown);
}

#[test]
fn a_step_that_names_no_event_that_it_follows_is_refused() {
    let begin = Body::from(BeginPayoutV1 {
        requested_event_id: "e1".to_owned(),
    });
    let answer = Body::from(RecordPayoutAnswerV1 {
        answer: "failed".to_owned(),
        provider_ref: None,
        reason: None,
    });
    for body in [begin, answer] {
        let refused = read(&message("partner123", "pay_1", body), None).unwrap_err();
        assert_eq!(refused.code, PaymentCode::Unreadable);
    }
}
