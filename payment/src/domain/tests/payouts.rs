use types::Currency;

use super::super::{AccountType, Actor, Answer, Code, Event, Method, Status};
use super::*;

fn status(state: &BatchState, name: &str) -> Status {
    state.ledger.payouts[&payout(name)].status
}

/// A payout that the provider is being asked for.
fn submitting(amount: i64) -> BatchState {
    let mut state = with_payable(usd(20_000));
    state.submit(&request("p1", usd(amount))).unwrap();
    state.begin("p1").unwrap();
    state
}

#[test]
fn a_payout_reserves_leaves_and_is_paid() {
    let mut state = submitting(15_000);
    assert_eq!(
        (
            state.account_type(AccountType::Payable),
            state.account_type(AccountType::InTransit)
        ),
        (5_000, 15_000)
    );
    state.respond("p1", Answer::Accepted).unwrap();
    assert_eq!(status(&state, "p1"), Status::Submitted);
    state.respond("p1", Answer::Paid).unwrap();
    assert_eq!(status(&state, "p1"), Status::Paid);
    assert_eq!(
        (
            state.account_type(AccountType::InTransit),
            state.account_type(AccountType::PaidOut)
        ),
        (0, 15_000)
    );
}

#[test]
fn a_failed_payout_comes_back() {
    let mut state = submitting(15_000);
    state.respond("p1", Answer::Failed).unwrap();
    assert_eq!(status(&state, "p1"), Status::Failed);
    assert_eq!(
        (
            state.account_type(AccountType::Payable),
            state.account_type(AccountType::InTransit)
        ),
        (20_000, 0)
    );
}

#[test]
fn a_second_payout_of_the_same_money_is_refused() {
    let mut state = with_payable(usd(20_000));
    state.submit(&request("p1", usd(15_000))).unwrap();
    let refused = state.submit(&request("p2", usd(15_000))).unwrap_err();
    assert_eq!(refused.code, Code::InsufficientBalance);
    assert_eq!(refused.detail, "50.00 USD can be paid out");
    let refused = state.submit(&request("p1", usd(5_000)));
    assert_eq!(refused.unwrap_err().code, Code::PayoutExists);
}

#[test]
fn nothing_and_less_cannot_be_paid_out() {
    let mut state = with_payable(usd(20_000));
    for minor in [0, -1, i64::MIN] {
        let refused = state.submit(&request("p1", usd(minor)));
        assert_eq!(
            refused.unwrap_err().code,
            Code::AmountNotPositive,
            "{minor}"
        );
    }
}

#[test]
fn a_currency_that_was_never_earned_is_a_mismatch() {
    let euros = types::Money::new(100, Currency::EUR);
    let refused = with_payable(usd(20_000)).submit(&request("p1", euros));
    assert_eq!(refused.unwrap_err().code, Code::CurrencyMismatch);
    let refused = BatchState::default().submit(&request("p1", euros));
    assert_eq!(refused.unwrap_err().code, Code::InsufficientBalance);
}

#[test]
fn only_the_partner_and_operators_may_ask() {
    let mut state = with_payable(usd(20_000));
    let other = Actor::Partner(types::PartnerId::parse("other").unwrap());
    for actor in [other, Actor::Other, Actor::System] {
        let refused = state.submit_as(actor, &request("p1", usd(1)));
        assert_eq!(refused.unwrap_err().code, Code::PartnerUnknown);
    }
    let own = Actor::Partner(partner());
    state.submit_as(own, &request("p1", usd(1))).unwrap();
    state
        .submit_as(Actor::Operator, &request("p2", usd(1)))
        .unwrap();
}

#[test]
fn details_that_cannot_be_opened_are_refused_before_money_moves() {
    let mut state = with_payable(usd(20_000));
    let command = Command::RequestPayout(PayoutRequest {
        payout: payout("p1"),
        partner: partner(),
        amount: usd(1),
        method: Method::Paypal,
        masked: String::new(),
        details_open: false,
    });
    assert_eq!(
        state.submit(&command).unwrap_err().code,
        Code::DetailsUnreadable
    );
    assert_eq!(state.account_type(AccountType::Payable), 20_000);
}

#[test]
fn indeterminate_money_stays_in_transit_until_a_look_up_finds_it() {
    let mut state = submitting(15_000);
    state.respond("p1", Answer::Unknown).unwrap();
    assert_eq!(status(&state, "p1"), Status::Unknown);
    assert_eq!(state.account_type(AccountType::InTransit), 15_000);
    state.respond("p1", Answer::Paid).unwrap();
    assert_eq!(state.account_type(AccountType::PaidOut), 15_000);
}

#[test]
fn a_payout_never_seen_by_the_provider_may_be_tried_again_while_its_key_lives() {
    let mut state = submitting(15_000);
    state.respond("p1", Answer::Unknown).unwrap();
    state.hours = 22;
    let again = state.begin("p1").unwrap();
    assert!(matches!(again, Event::PayoutSubmitting(again) if again.attempt == 2));
    state.respond("p1", Answer::Unknown).unwrap();
    state.hours = 23;
    assert_eq!(
        state.begin("p1").unwrap_err().code,
        Code::ProviderKeyExpired
    );
}

#[test]
fn a_payout_is_begun_once() {
    let mut state = submitting(15_000);
    assert_eq!(state.begin("p1").unwrap_err().code, Code::PayoutNotThere);
    assert_eq!(state.begin("p9").unwrap_err().code, Code::PayoutUnknown);
}

#[test]
fn what_is_final_stays_so() {
    for last in [Answer::Paid, Answer::Failed] {
        let mut state = submitting(15_000);
        state.respond("p1", last).unwrap();
        let ledger = state.ledger.clone();
        for response in Answer::ALL {
            let refused = state.respond("p1", response).unwrap_err();
            assert_eq!(
                refused.code,
                Code::PayoutNotThere,
                "{response:?} after {last:?}"
            );
        }
        assert!(state.begin("p1").is_err());
        assert_eq!(state.ledger, ledger);
    }
}

#[test]
fn an_answer_that_belongs_to_an_earlier_step_is_refused() {
    let mut state = submitting(15_000);
    let first = state.at("p1");
    state.respond("p1", Answer::Unknown).unwrap();
    let indeterminate = state.at("p1");
    state.begin("p1").unwrap();
    state.respond("p1", Answer::Accepted).unwrap();
    // What refused the first attempt says nothing about the second, which was taken.
    for stale in [first, indeterminate] {
        for response in Answer::ALL {
            let refused = state.submit(&answer(stale.clone(), response)).unwrap_err();
            assert_eq!(refused.code, Code::PayoutNotThere, "{response:?}");
        }
        assert!(state.submit(&Command::BeginPayout(stale)).is_err());
    }
    assert_eq!(state.account_type(AccountType::InTransit), 15_000);
}

#[test]
fn an_answer_under_another_partners_name_is_refused() {
    let mut state = submitting(15_000);
    let other = types::PartnerId::parse("other").unwrap();
    let at = PayoutAt {
        partner: other,
        ..state.at("p1")
    };
    let refused = state.submit(&answer(at, Answer::Failed));
    assert_eq!(refused.unwrap_err().code, Code::PayoutUnknown);
}

#[test]
fn an_indeterminate_result_does_not_take_back_what_the_provider_accepted() {
    let mut state = submitting(15_000);
    state.respond("p1", Answer::Accepted).unwrap();
    assert!(state.respond("p1", Answer::Unknown).is_err());
    assert!(state.respond("p1", Answer::Accepted).is_err());
    assert_eq!(status(&state, "p1"), Status::Submitted);
}

#[test]
fn an_answer_before_the_intent_is_refused() {
    let mut state = with_payable(usd(20_000));
    state.submit(&request("p1", usd(1))).unwrap();
    assert!(state.respond("p1", Answer::Paid).is_err());
}

#[test]
fn every_name_reads_back() {
    for status in Status::ALL {
        assert_eq!(Status::parse(status.name()), Some(status));
    }
    for method in Method::ALL {
        assert_eq!(Method::parse(method.name()), Some(method));
    }
    for answer in Answer::ALL {
        assert_eq!(Answer::parse(answer.name()), Some(answer));
    }
}
