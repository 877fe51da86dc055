use money::Currency;

use super::super::{Actor, Answer, Event, Method, Pot, Rejection, Status};
use super::*;

fn status(world: &World, name: &str) -> Status {
    world.books.payouts[&payout(name)].status
}

/// A payout that the provider is being asked for.
fn submitting(amount: i64) -> World {
    let mut world = with_payable(usd(20_000));
    world.ask(&request("p1", usd(amount))).unwrap();
    world.begin("p1").unwrap();
    world
}

#[test]
fn a_payout_reserves_leaves_and_is_paid() {
    let mut world = submitting(15_000);
    assert_eq!(
        (world.pot(Pot::Payable), world.pot(Pot::InTransit)),
        (5_000, 15_000)
    );
    world.say("p1", Answer::Accepted).unwrap();
    assert_eq!(status(&world, "p1"), Status::Submitted);
    world.say("p1", Answer::Paid).unwrap();
    assert_eq!(status(&world, "p1"), Status::Paid);
    assert_eq!(
        (world.pot(Pot::InTransit), world.pot(Pot::PaidOut)),
        (0, 15_000)
    );
}

#[test]
fn a_failed_payout_comes_back() {
    let mut world = submitting(15_000);
    world.say("p1", Answer::Failed).unwrap();
    assert_eq!(status(&world, "p1"), Status::Failed);
    assert_eq!(
        (world.pot(Pot::Payable), world.pot(Pot::InTransit)),
        (20_000, 0)
    );
}

#[test]
fn a_second_payout_of_the_same_money_is_refused() {
    let mut world = with_payable(usd(20_000));
    world.ask(&request("p1", usd(15_000))).unwrap();
    let available = usd(5_000);
    assert_eq!(
        world.ask(&request("p2", usd(15_000))),
        Err(Rejection::InsufficientBalance { available })
    );
    assert_eq!(
        world.ask(&request("p1", usd(5_000))),
        Err(Rejection::PayoutExists)
    );
}

#[test]
fn nothing_and_less_cannot_be_paid_out() {
    let mut world = with_payable(usd(20_000));
    for minor in [0, -1, i64::MIN] {
        let refused = world.ask(&request("p1", usd(minor)));
        assert_eq!(refused, Err(Rejection::AmountNotPositive), "{minor}");
    }
}

#[test]
fn a_currency_that_was_never_earned_is_a_mismatch() {
    let euros = money::Money::new(100, Currency::EUR);
    let refused = with_payable(usd(20_000)).ask(&request("p1", euros));
    let asked = Currency::EUR;
    assert_eq!(refused, Err(Rejection::CurrencyMismatch { asked }));
    let refused = World::default().ask(&request("p1", euros));
    assert_eq!(refused.unwrap_err().code(), "insufficient_balance");
}

#[test]
fn only_the_partner_and_operators_may_ask() {
    let mut world = with_payable(usd(20_000));
    let other = Actor::Partner(money::PartnerId::parse("other").unwrap());
    for actor in [other, Actor::Other, Actor::System] {
        let refused = world.ask_as(actor, &request("p1", usd(1)));
        assert_eq!(refused, Err(Rejection::PartnerUnknown));
    }
    let own = Actor::Partner(partner());
    world.ask_as(own, &request("p1", usd(1))).unwrap();
    world
        .ask_as(Actor::Operator, &request("p2", usd(1)))
        .unwrap();
}

#[test]
fn details_that_cannot_be_opened_are_refused_before_money_moves() {
    let mut world = with_payable(usd(20_000));
    let command = Command::RequestPayout(PayoutRequest {
        payout: payout("p1"),
        partner: partner(),
        amount: usd(1),
        method: Method::Paypal,
        masked: String::new(),
        details_open: false,
    });
    assert_eq!(world.ask(&command), Err(Rejection::DetailsUnreadable));
    assert_eq!(world.pot(Pot::Payable), 20_000);
}

#[test]
fn in_doubt_the_money_stays_in_transit_until_a_look_up_finds_it() {
    let mut world = submitting(15_000);
    world.say("p1", Answer::Unknown).unwrap();
    assert_eq!(status(&world, "p1"), Status::Unknown);
    assert_eq!(world.pot(Pot::InTransit), 15_000);
    world.say("p1", Answer::Paid).unwrap();
    assert_eq!(world.pot(Pot::PaidOut), 15_000);
}

#[test]
fn a_payout_never_seen_by_the_provider_may_be_tried_again_while_its_key_lives() {
    let mut world = submitting(15_000);
    world.say("p1", Answer::Unknown).unwrap();
    world.hours = 22;
    let again = world.begin("p1").unwrap();
    assert!(matches!(again, Event::PayoutSubmitting { attempt: 2, .. }));
    world.say("p1", Answer::Unknown).unwrap();
    world.hours = 23;
    assert_eq!(world.begin("p1"), Err(Rejection::ProviderKeyExpired));
}

#[test]
fn a_payout_is_begun_once() {
    let mut world = submitting(15_000);
    let status = Status::Submitting;
    assert_eq!(world.begin("p1"), Err(Rejection::PayoutNotThere { status }));
    assert_eq!(world.begin("p9"), Err(Rejection::PayoutUnknown));
}

#[test]
fn what_is_final_stays_so() {
    for last in [Answer::Paid, Answer::Failed] {
        let mut world = submitting(15_000);
        world.say("p1", last).unwrap();
        let books = world.books.clone();
        for said in Answer::ALL {
            let refused = world.say("p1", said).unwrap_err();
            assert_eq!(
                refused.code(),
                "payout_not_there",
                "{said:?} after {last:?}"
            );
        }
        assert!(world.begin("p1").is_err());
        assert_eq!(world.books, books);
    }
}

#[test]
fn an_answer_that_belongs_to_an_earlier_step_is_refused() {
    let mut world = submitting(15_000);
    let first = world.at("p1");
    world.say("p1", Answer::Unknown).unwrap();
    let in_doubt = world.at("p1");
    world.begin("p1").unwrap();
    world.say("p1", Answer::Accepted).unwrap();
    // What refused the first attempt says nothing about the second, which was taken.
    for stale in [first, in_doubt] {
        for said in Answer::ALL {
            let refused = world.ask(&answer(stale.clone(), said)).unwrap_err();
            assert_eq!(refused.code(), "payout_not_there", "{said:?}");
        }
        assert!(world.ask(&Command::BeginPayout(stale)).is_err());
    }
    assert_eq!(world.pot(Pot::InTransit), 15_000);
}

#[test]
fn an_answer_under_another_partners_name_is_refused() {
    let mut world = submitting(15_000);
    let other = money::PartnerId::parse("other").unwrap();
    let at = PayoutAt {
        partner: other,
        ..world.at("p1")
    };
    let refused = world.ask(&answer(at, Answer::Failed));
    assert_eq!(refused, Err(Rejection::PayoutUnknown));
}

#[test]
fn doubt_does_not_take_back_what_the_provider_accepted() {
    let mut world = submitting(15_000);
    world.say("p1", Answer::Accepted).unwrap();
    assert!(world.say("p1", Answer::Unknown).is_err());
    assert!(world.say("p1", Answer::Accepted).is_err());
    assert_eq!(status(&world, "p1"), Status::Submitted);
}

#[test]
fn an_answer_before_the_intent_is_refused() {
    let mut world = with_payable(usd(20_000));
    world.ask(&request("p1", usd(1))).unwrap();
    assert!(world.say("p1", Answer::Paid).is_err());
}

#[test]
fn every_code_is_listed_and_every_name_reads_back() {
    assert!(Rejection::CODES.contains(&Rejection::PayoutUnknown.code()));
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
