//! What goes out reads back, and what comes in is never trusted.
#![allow(clippy::unwrap_used)]

mod loading;

use money::{Micros, Uuid};
use schemas::{
    BeginPayoutV1, Body, CommissionCalculatedV1, Header, Message, RecordPayoutAnswerV1,
    RequestPayoutV1, WireMoney,
};
use sealing::Details;

use super::{Read, emit, own_event, read};
use crate::domain::{
    Account, Cause, Command, Event, Fact, Method, Note, Posting, Pot, Rejection, Transfer,
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

fn usd(minor: i64) -> money::Money {
    money::Money::new(minor, money::Currency::USD)
}

fn events() -> Vec<Event> {
    let payout = money::PayoutId::parse("pay_1").unwrap();
    let partner = money::PartnerId::parse("partner123").unwrap();
    let (amount, method, transfer) = (usd(15_000), Method::Paypal, Uuid::from_u128(7));
    let provider_ref = Some("sim_1".to_owned());
    let reason = Some("why".to_owned());
    let transfers = vec![Transfer {
        id: transfer,
        debit: Account::BrandFunds(money::BrandId::parse("brand1").unwrap()),
        credit: Account::Partner(partner.clone(), Pot::Payable),
        money: amount,
    }];
    vec![
        Event::PayoutRequested {
            payout: payout.clone(),
            partner: partner.clone(),
            amount,
            method,
            masked: "u***@example.com".to_owned(),
            transfer,
        },
        Event::PayoutSubmitting {
            payout: payout.clone(),
            partner: partner.clone(),
            amount,
            method,
            attempt: 2,
        },
        Event::PayoutSubmitted {
            payout: payout.clone(),
            partner: partner.clone(),
            amount,
            provider_ref: provider_ref.clone(),
            reason: None,
        },
        Event::PayoutUnknown {
            payout: payout.clone(),
            partner: partner.clone(),
            amount,
            provider_ref: None,
            reason: reason.clone(),
        },
        Event::PayoutPaid {
            payout: payout.clone(),
            partner: partner.clone(),
            amount,
            provider_ref: provider_ref.clone(),
            transfer,
        },
        Event::PayoutFailed {
            payout,
            partner,
            amount,
            provider_ref,
            reason,
            transfer,
        },
        Event::LedgerPosted(Posting {
            cause: Cause::Calculated,
            owner: "partner123".to_owned(),
            conversion: "conv1".to_owned(),
            transfers,
            note: Some(Note::PendingShort),
        }),
    ]
}

#[test]
fn every_event_reads_back_as_it_went_out() {
    for event in events() {
        let out = emit(&event);
        let back = own_event(&message(&out.key, &out.subject, out.body));
        assert_eq!(back, Some(event));
    }
}

fn calculated(partner: &str, currency: &str) -> Message {
    let money = WireMoney {
        minor: 1_000,
        currency: currency.to_owned(),
    };
    let fact = CommissionCalculatedV1 {
        partner_id: partner.to_owned(),
        brand_id: "brand1".to_owned(),
        campaign_id: "camp1".to_owned(),
        event_type: "purchase".to_owned(),
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: 1,
        rounding: "half_even".to_owned(),
        amount: money,
        status: "approved".to_owned(),
        hold_until: None,
    };
    message("conv1", "conv1", Body::from(fact))
}

#[test]
fn a_fact_that_names_no_account_or_currency_cannot_be_read() {
    for odd in [calculated("a b", "USD"), calculated("partner123", "usd")] {
        let unread = read(&odd, None).unwrap_err();
        assert!(matches!(unread, Rejection::Unreadable { .. }), "{unread}");
    }
    let good = read(&calculated("partner123", "USD"), None);
    assert!(matches!(good, Ok(Read::Fact(Fact::Calculated { .. }))));
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
    let Ok(Read::Command(Command::RequestPayout(asked))) =
        read(&request("paypal", "USD"), Some(&opened))
    else {
        panic!("it was not read");
    };
    assert_eq!(asked.masked, "u***@example.com");
    assert!(asked.details_open);
}

#[test]
fn details_that_do_not_fit_the_method_count_as_closed() {
    let opened = Details::parse(br#"{"email":"user@example.com"}"#).unwrap();
    let read = read(&request("bank_transfer", "USD"), Some(&opened));
    let Ok(Read::Command(Command::RequestPayout(asked))) = read else {
        panic!("it was not read");
    };
    assert!(!asked.details_open);
    assert_eq!(asked.masked, "");
}

#[test]
fn odd_requests_are_refused_with_their_code() {
    let refused = |message| read(&message, None).unwrap_err();
    assert_eq!(refused(request("cash", "USD")), Rejection::MethodUnknown);
    assert_eq!(
        refused(request("paypal", "usd")),
        Rejection::CurrencyUnknown
    );
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
        assert_eq!(refused.code(), "unreadable");
    }
}
