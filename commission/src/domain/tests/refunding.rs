use types::Currency;

use super::*;

fn amounts(commission: &mut Commission, refunds: &[About<ConversionRefundedV1>]) -> Vec<i64> {
    let one = |refund| {
        let reversed = event(reverse(refund, Some(commission)));
        commission.apply(&reversed, NOW);
        taken(&reversed)
    };
    refunds.iter().map(one).collect()
}

#[test]
fn three_refunds_of_a_third_take_back_everything() {
    let mut earned = commission(usd(10_000), &plan(rate(1_000)));
    let thirds = [
        refund(3_333, 10_000),
        refund(6_666, 10_000),
        refund(10_000, 10_000),
    ];
    assert_eq!(amounts(&mut earned, &thirds), [333, 334, 333]);
    assert_eq!(earned.reversed, usd(1_000));
    assert_eq!(earned.status(), Status::Reversed);
}

#[test]
fn what_was_approved_is_taken_back_from_payable() {
    let earned = commission(usd(10_000), &plan(rate(1_000)));
    let reversed = event(reverse(&refund(10_000, 10_000), Some(&earned)));
    assert_eq!(from(&reversed), EarningStatus::Payable);
}

#[test]
fn a_refund_beyond_the_purchase_takes_back_no_more_than_was_earned() {
    let mut earned = commission(usd(10_000), &plan(rate(1_000)));
    let twice = [refund(10_000, 10_000), refund(20_000, 10_000)];
    assert_eq!(amounts(&mut earned, &twice), [1_000, 0]);
}

#[test]
fn a_refund_of_a_commission_of_nothing_takes_nothing_and_is_an_event_all_the_same() {
    let mut nothing = commission(usd(10_000), &plan(None));
    assert_eq!(amounts(&mut nothing, &[refund(10_000, 10_000)]), [0]);
    assert_eq!(nothing.status(), Status::Approved);
}

#[test]
fn a_flat_commission_is_taken_back_by_the_part_of_the_purchase() {
    let mut earned = commission(usd(10_000), &plan(Earning::Flat(usd(500))));
    let halves = [refund(5_000, 10_000), refund(10_000, 10_000)];
    assert_eq!(amounts(&mut earned, &halves), [250, 250]);
}

#[test]
fn a_flat_commission_of_what_was_worth_nothing_is_taken_back_whole() {
    let mut earned = commission(usd(0), &plan(Earning::Flat(usd(500))));
    assert_eq!(amounts(&mut earned, &[refund(0, 0)]), [500]);
    assert_eq!(earned.status(), Status::Reversed);
}

#[test]
fn a_refund_of_no_commission_becomes_a_dead_letter() {
    let unknown = reverse(&refund(1, 1), None);
    assert!(matches!(unknown, Reaction::DeadLetter(_)), "{unknown:?}");
}

#[test]
fn a_refund_in_another_currency_than_its_purchase_becomes_a_dead_letter() {
    let earned = commission(usd(10_000), &plan(rate(1_000)));
    let mut other = refund(1, 10_000);
    other.record.refunded_total = Money::new(1, Currency::EUR);
    let refused = reverse(&other, Some(&earned));
    assert!(matches!(refused, Reaction::DeadLetter(_)), "{refused:?}");
}
