use types::{Currency, MAX_EARNED, Money};

use super::*;

#[test]
fn a_rate_is_taken_of_the_sale_and_rounded_half_even() {
    for (base, points, amount) in [
        (10_000, 1_000, 1_000),
        (5, 1_000, 0),
        (15, 1_000, 2),
        (25, 1_000, 2),
        (35, 1_000, 4),
        (1, 10_000, 1),
        (i64::MAX, 0, 0),
        (MAX_EARNED, 10_000, MAX_EARNED),
    ] {
        let earned = commission(usd(base), &plan(rate(points)));
        assert_eq!(earned.calculated.amount, usd(amount), "{points} of {base}");
        assert_eq!(earned.calculated.basis.rounding(), "half_even");
        assert_eq!(earned.status(), Status::Approved);
    }
}

#[test]
fn a_rate_pays_in_the_currency_of_the_sale() {
    let earned = commission(Money::new(1_000, Currency::JPY), &plan(rate(500)));
    assert_eq!(earned.calculated.amount, Money::new(50, Currency::JPY));
}

#[test]
fn a_flat_amount_is_paid_whatever_the_sale_was_worth() {
    let flat = plan(Earning::Flat(usd(500)));
    for base in [usd(1), usd(0), Money::new(7, Currency::EUR)] {
        let earned = commission(base, &flat);
        assert_eq!(earned.calculated.amount, usd(500));
        assert_eq!(earned.calculated.basis.rounding(), "none");
    }
}

#[test]
fn a_flat_amount_in_another_currency_than_its_plan_is_suspended_by_name() {
    let contradictory = plan(Earning::Flat(Money::new(500, Currency::EUR)));
    let earned = commission(usd(10_000), &contradictory);
    assert_eq!(
        earned.calculated.status,
        CalculatedStatus::Suspended(Suspense::FlatCurrency)
    );
    assert_eq!(earned.calculated.amount, usd(0));
    assert_eq!(earned.status(), Status::Suspended);
}

#[test]
fn a_sale_below_zero_is_suspended_by_name() {
    let earned = commission(usd(-1), &plan(rate(1_000)));
    assert_eq!(
        earned.calculated.status,
        CalculatedStatus::Suspended(Suspense::NegativeBase)
    );
}

#[test]
fn what_earns_more_than_one_conversion_may_is_suspended_by_name() {
    let beyond = usd(MAX_EARNED + 1);
    for (base, earning) in [
        (usd(1), Earning::Flat(beyond)),
        (beyond, rate(10_000)),
        (usd(i64::MAX), rate(10_000)),
    ] {
        let earned = commission(base, &plan(earning)).calculated;
        let suspended = CalculatedStatus::Suspended(Suspense::OutOfRange);
        assert_eq!((earned.amount, earned.status), (usd(0), suspended));
    }
}

#[test]
fn a_lead_that_the_plan_does_not_pay_earns_nothing_and_says_so() {
    let plan = Plan {
        hold_days: 30,
        ..plan(rate(1_000))
    };
    let earned = calculated(calculate(&lead(), None, Some(&plan), NOW));
    assert_eq!(earned.amount, usd(0));
    assert_eq!(earned.basis.earning, None);
    assert_eq!(
        earned.status,
        CalculatedStatus::Approved,
        "nothing is not held"
    );
}

#[test]
fn a_lead_without_a_value_earns_nothing_by_a_rate_and_all_of_a_flat_amount() {
    for (earning, amount) in [(rate(1_000), 0), (Earning::Flat(usd(300)), 300)] {
        let plan = Plan {
            lead: Some(earning),
            ..plan(None)
        };
        let earned = calculated(calculate(&lead(), None, Some(&plan), NOW));
        assert_eq!(earned.amount, usd(amount));
    }
}

#[test]
fn a_conversion_waits_for_the_version_that_its_partner_accepted() {
    let waits = calculate(&purchase(usd(1)), None, None, NOW);
    let Reaction::WaitFor(key) = waits else {
        panic!("{waits:?}")
    };
    assert_eq!(key.to_string(), "plan:camp123:1");
}

#[test]
fn a_conversion_earns_once() {
    let known = commission(usd(10_000), &plan(rate(1_000)));
    let again = calculate(
        &purchase(usd(10_000)),
        Some(&known),
        Some(&plan(rate(1_000))),
        NOW,
    );
    assert!(matches!(again, Reaction::DeadLetter(_)), "{again:?}");
}
