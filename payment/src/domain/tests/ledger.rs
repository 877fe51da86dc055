use money::Currency;

use super::super::{Account, BALANCE_LIMIT, Event, Note, Pot, Standing};
use super::*;

fn note(event: &Event) -> Option<Note> {
    match event {
        Event::LedgerPosted(posting) => posting.note,
        _ => panic!("not a posting: {event:?}"),
    }
}

/// A commission of another brand's, payable at once.
fn of_brand(name: &str, amount: Money) -> Fact {
    Fact::Calculated {
        conversion: conversion(),
        partner: partner(),
        brand: BrandId::parse(name).unwrap(),
        amount,
        standing: Standing::Payable,
    }
}

#[test]
fn a_commission_without_hold_is_payable_at_once() {
    let world = with_payable(usd(20_000));
    assert_eq!(world.pot(Pot::Payable), 20_000);
    assert_eq!(world.funds(), -20_000);
}

#[test]
fn a_held_commission_is_pending_until_it_is_approved() {
    let mut world = World::default();
    world.tell(&calculated(usd(500), Standing::Pending));
    assert_eq!((world.pot(Pot::Pending), world.pot(Pot::Payable)), (500, 0));
    world.tell(&approved(usd(500)));
    assert_eq!((world.pot(Pot::Pending), world.pot(Pot::Payable)), (0, 500));
}

#[test]
fn a_reversal_gives_back_from_where_the_money_stands() {
    let mut world = World::default();
    world.tell(&calculated(usd(500), Standing::Pending));
    world.tell(&reversed(usd(200), Standing::Pending));
    assert_eq!((world.pot(Pot::Pending), world.funds()), (300, -300));
    world.tell(&approved(usd(300)));
    world.tell(&reversed(usd(300), Standing::Payable));
    assert_eq!((world.pot(Pot::Payable), world.funds()), (0, 0));
}

#[test]
fn a_refund_after_payout_is_carried_over() {
    let mut world = with_payable(usd(500));
    world.ask(&request("p1", usd(500))).unwrap();
    world.tell(&reversed(usd(500), Standing::Payable));
    assert_eq!(world.pot(Pot::Payable), -500);
    world.tell(&calculated(usd(700), Standing::Payable));
    let refused = world.ask(&request("p2", usd(201))).unwrap_err();
    assert_eq!(refused.code(), "insufficient_balance");
    world.ask(&request("p3", usd(200))).unwrap();
    assert_eq!(world.pot(Pot::Payable), 0);
}

#[test]
fn an_approval_of_what_was_never_pending_goes_to_suspense() {
    let mut world = World::default();
    let event = world.tell(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (world.pot(Pot::Suspense), world.pot(Pot::Payable)),
        (500, 0)
    );
    world.tell(&reversed(usd(500), Standing::Pending));
    assert_eq!((world.pot(Pot::Suspense), world.funds()), (0, 0));
}

#[test]
fn a_fact_that_moves_nothing_is_noted() {
    let mut world = World::default();
    let nothing = world.tell(&calculated(usd(0), Standing::Payable));
    assert_eq!(note(&nothing), Some(Note::NothingToPost));
    let negative = world.tell(&reversed(usd(-1), Standing::Payable));
    assert_eq!(note(&negative), Some(Note::NegativeAmount));
    assert!(world.books.balances.is_empty());
}

#[test]
fn money_beyond_counting_is_noted_and_not_moved() {
    let mut world = with_payable(usd(BALANCE_LIMIT));
    for amount in [1, BALANCE_LIMIT, i64::MAX] {
        for standing in [Standing::Payable, Standing::Pending] {
            let event = world.tell(&calculated(usd(amount), standing));
            assert_eq!(note(&event), Some(Note::OutOfRange), "{amount}");
        }
    }
    let event = world.tell(&of_brand("brand2", usd(1)));
    assert_eq!(note(&event), Some(Note::OutOfRange));
    assert_eq!(world.pot(Pot::Payable), BALANCE_LIMIT);
    assert_eq!(world.funds(), -BALANCE_LIMIT);
}

#[test]
fn a_brand_that_owes_as_much_as_can_be_counted_owes_no_more() {
    let mut world = with_payable(usd(BALANCE_LIMIT));
    let event = world.tell(&Fact::Calculated {
        conversion: conversion(),
        partner: PartnerId::parse("other").unwrap(),
        brand: brand(),
        amount: usd(1),
        standing: Standing::Payable,
    });
    assert_eq!(note(&event), Some(Note::OutOfRange));
    assert_eq!(world.funds(), -BALANCE_LIMIT);
}

#[test]
fn a_reversal_larger_than_what_was_earned_is_owed_by_the_partner_and_not_made_up() {
    let mut world = with_payable(usd(500));
    world.tell(&reversed(usd(800), Standing::Payable));
    assert_eq!((world.pot(Pot::Payable), world.funds()), (-300, 300));
    let refused = world.ask(&request("p1", usd(1))).unwrap_err();
    assert_eq!(refused.code(), "insufficient_balance");
}

#[test]
fn a_reversal_larger_than_what_is_pending_goes_to_suspense_and_leaves_other_money_alone() {
    let mut world = World::default();
    world.tell(&calculated(usd(500), Standing::Pending));
    let event = world.tell(&reversed(usd(800), Standing::Pending));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (world.pot(Pot::Pending), world.pot(Pot::Suspense)),
        (500, -800)
    );
}

#[test]
fn an_approval_after_the_whole_was_reversed_can_be_spent_by_nobody() {
    let mut world = World::default();
    world.tell(&calculated(usd(500), Standing::Pending));
    world.tell(&reversed(usd(500), Standing::Pending));
    let event = world.tell(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (world.pot(Pot::Payable), world.pot(Pot::Suspense)),
        (0, 500)
    );
    assert!(world.ask(&request("p1", usd(1))).is_err());
}

#[test]
fn a_reversal_that_comes_before_its_approval_leaves_nothing_to_spend() {
    let mut world = World::default();
    world.tell(&reversed(usd(500), Standing::Pending));
    world.tell(&calculated(usd(500), Standing::Pending));
    assert_eq!(
        (world.pot(Pot::Payable), world.pot(Pot::Suspense)),
        (0, -500)
    );
    assert_eq!(world.funds(), 0);
    assert!(world.ask(&request("p1", usd(1))).is_err());
}

#[test]
fn what_is_pending_in_one_currency_releases_nothing_in_another() {
    let mut world = World::default();
    let euros = money::Money::new(500, Currency::EUR);
    world.tell(&calculated(euros, Standing::Pending));
    let event = world.tell(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    let pending = Account::Partner(partner(), Pot::Pending);
    assert_eq!(world.books.balance(pending, Currency::EUR), 500);
    assert_eq!(world.pot(Pot::Payable), 0);
}

#[test]
fn a_payout_that_fails_at_the_limit_comes_back_whole() {
    let mut world = with_payable(usd(BALANCE_LIMIT));
    world.ask(&request("p1", usd(BALANCE_LIMIT))).unwrap();
    world.tell(&of_brand("brand2", usd(BALANCE_LIMIT)));
    world.begin("p1").unwrap();
    world.say("p1", Answer::Failed).unwrap();
    assert_eq!(world.pot(Pot::Payable), 2 * BALANCE_LIMIT);
    assert_eq!(world.books.balances.values().sum::<i64>(), 0);
}

#[test]
fn no_more_goes_into_transit_than_can_ever_be_paid_out() {
    let mut world = with_payable(usd(BALANCE_LIMIT));
    world.ask(&request("p1", usd(BALANCE_LIMIT))).unwrap();
    world.begin("p1").unwrap();
    world.tell(&of_brand("brand2", usd(1)));
    for answer in [Answer::Accepted, Answer::Paid] {
        let refused = world.ask(&request("p2", usd(1))).unwrap_err();
        assert_eq!(refused.code(), "amount_out_of_range");
        world.say("p1", answer).unwrap();
    }
    assert_eq!(world.pot(Pot::PaidOut), BALANCE_LIMIT);
    let refused = world.ask(&request("p3", usd(1))).unwrap_err();
    assert_eq!(refused.code(), "amount_out_of_range");
}

#[test]
fn currencies_are_kept_apart() {
    let mut world = with_payable(usd(100));
    let euros = money::Money::new(7, Currency::EUR);
    world.tell(&calculated(euros, Standing::Payable));
    assert_eq!(world.pot(Pot::Payable), 100);
    let payable = Account::Partner(partner(), Pot::Payable);
    assert_eq!(world.books.balance(payable, Currency::EUR), 7);
}

#[test]
fn an_account_reads_back_from_its_text() {
    let pots = Pot::ALL.map(|pot| Account::Partner(partner(), pot));
    for account in pots.into_iter().chain([Account::BrandFunds(brand())]) {
        assert_eq!(account.to_string().parse(), Ok(account));
    }
    for text in [
        "",
        "brand:b",
        "brand:b:payable",
        "partner::payable",
        "partner:p:funds",
        "partner:p:payable:x",
        "partner:a b:payable",
    ] {
        assert!(text.parse::<Account>().is_err(), "{text}");
    }
}
