//! Rounding, reversal and splitting.

use proptest::prelude::*;
use types::{
    ArithmeticError, BasisPoints, Currency, Micros, Money, mul_div_half_even, reversal_due, split,
};

#[test]
fn a_half_goes_to_the_even_neighbour() {
    let half = |amount| mul_div_half_even(amount, 1, 2).unwrap();
    assert_eq!([half(1), half(3), half(5)], [0, 2, 2]);
    assert_eq!([half(-1), half(-3), half(-5)], [0, -2, -2]);
    assert_eq!(mul_div_half_even(10, 2, 3), Ok(7));
    assert_eq!(mul_div_half_even(-10, 2, 3), Ok(-7));
}

#[test]
fn products_are_taken_in_128_bits() {
    assert_eq!(
        mul_div_half_even(i64::MAX, i64::MAX, i64::MAX),
        Ok(i64::MAX)
    );
    assert_eq!(
        mul_div_half_even(i64::MIN, i64::MIN, i64::MAX),
        Err(ArithmeticError::Overflow)
    );
    assert_eq!(mul_div_half_even(1, 1, 0), Err(ArithmeticError::Divisor));
}

#[test]
fn a_rate_is_taken_of_the_amount_once() {
    let ten_percent = BasisPoints::new(1_000).unwrap();
    let share = Money::new(200_000, Currency::USD).share(ten_percent);
    assert_eq!(share, Ok(Money::new(20_000, Currency::USD)));
    assert_eq!(BasisPoints::new(10_001), None);
}

#[test]
fn currencies_do_not_mix() {
    let mixed = Money::new(1, Currency::USD).checked_add(Money::new(1, Currency::EUR));
    let error = ArithmeticError::CurrencyMismatch {
        left: Currency::USD,
        right: Currency::EUR,
    };
    assert_eq!(mixed, Err(error));
    let most = Money::new(i64::MAX, Currency::USD);
    assert_eq!(
        most.checked_add(Money::new(1, Currency::USD)),
        Err(ArithmeticError::Overflow)
    );
    assert!(Money::new(i64::MIN, Currency::USD).checked_neg().is_err());
}

#[test]
fn three_refunds_of_a_third_reverse_everything() {
    let (commission, purchase) = (1_000, 10_000);
    let mut reversed = 0;
    let mut parts = Vec::new();
    for refunded_total in [3_333, 6_666, 10_000] {
        let due = reversal_due(commission, refunded_total, purchase, reversed).unwrap();
        reversed += due;
        parts.push(due);
    }
    assert_eq!(parts, [333, 334, 333]);
    assert_eq!(reversed, commission);
}

#[test]
fn a_refund_beyond_the_purchase_reverses_no_more_than_all() {
    assert_eq!(reversal_due(1_000, 20_000, 10_000, 400), Ok(600));
    assert_eq!(reversal_due(500, 0, 0, 0), Ok(500));
}

#[test]
fn a_smaller_total_than_before_reverses_nothing() {
    assert_eq!(reversal_due(1_000, 1_000, 10_000, 400), Ok(0));
}

#[test]
fn what_is_left_of_a_split_goes_to_the_largest_remainders() {
    assert_eq!(split(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
    assert_eq!(split(101, &[50, 30, 20]), Ok(vec![51, 30, 20]));
    assert_eq!(split(5, &[0, 1]), Ok(vec![0, 5]));
    assert_eq!(split(5, &[]), Err(ArithmeticError::Divisor));
    assert_eq!(split(5, &[0, 0]), Err(ArithmeticError::Divisor));
}

#[test]
fn time_beyond_its_end_is_none() {
    assert_eq!(Micros(1).checked_add_days(2), Some(Micros(172_800_000_001)));
    assert_eq!(Micros(i64::MAX).checked_add_seconds(1), None);
    assert_eq!(Micros(0).checked_add_days(i64::MAX), None);
}

proptest! {
    #[test]
    fn any_cut_of_a_full_refund_reverses_exactly_the_commission(
        commission in 0_i64..1_000_000_000,
        refunds in proptest::collection::vec(1_i64..1_000_000, 1..12),
    ) {
        let purchase: i64 = refunds.iter().sum();
        let (mut refunded, mut reversed) = (0, 0);
        for refund in refunds {
            refunded += refund;
            reversed += reversal_due(commission, refunded, purchase, reversed).unwrap();
            prop_assert!(reversed <= commission);
        }
        prop_assert_eq!(reversed, commission);
    }

    #[test]
    fn a_split_adds_up_to_its_total(total: i64, weights in proptest::collection::vec(0_u32.., 1..20)) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = split(total, &weights).unwrap();
        prop_assert_eq!(parts.iter().copied().map(i128::from).sum::<i128>(), i128::from(total));
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(*weight > 0 || *part == 0);
        }
    }

    #[test]
    fn rounding_is_never_further_than_half_a_unit(amount: i64, numerator in 0_i64..=10_000) {
        let rounded = i128::from(mul_div_half_even(amount, numerator, 10_000).unwrap());
        let exact = i128::from(amount) * i128::from(numerator);
        prop_assert!((rounded * 10_000 - exact).abs() <= 5_000);
    }
}
