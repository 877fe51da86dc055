//! Amounts as text, and what is refused.

use proptest::prelude::*;
use types::{Amount, AmountError, Currency, Money};

fn usd(text: &str) -> Result<i64, AmountError> {
    Money::parse(text, Currency::USD).map(|money| money.minor)
}

#[test]
fn plain_decimals_become_minor_units() {
    assert_eq!(usd("150.00"), Ok(15_000));
    assert_eq!(usd("150"), Ok(15_000));
    assert_eq!(usd("100.0"), Ok(10_000));
    assert_eq!(usd("0.1"), Ok(10));
    assert_eq!(usd("-0.01"), Ok(-1));
    assert_eq!(usd("-0"), Ok(0));
    assert_eq!(
        Money::parse("1500", Currency::JPY),
        Ok(Money::new(1_500, Currency::JPY))
    );
}

#[test]
fn trailing_zeros_are_no_precision() {
    assert_eq!(usd("1.5000000"), Ok(150));
    assert_eq!(
        Money::parse("7.000", Currency::JPY),
        Ok(Money::new(7, Currency::JPY))
    );
}

#[test]
fn an_amount_finer_than_its_currency_is_refused() {
    assert_eq!(
        usd("0.001"),
        Err(AmountError::TooPrecise {
            allowed: 2,
            given: 3
        })
    );
    assert_eq!(
        Money::parse("1.5", Currency::JPY),
        Err(AmountError::TooPrecise {
            allowed: 0,
            given: 1
        })
    );
}

#[test]
fn what_is_not_a_plain_decimal_is_refused() {
    let texts = [
        "", "-", ".", "1.", ".5", "+1", "1e2", "1E2", "1e-2", "01", "00", "1,5", "1 000", " 1",
        "1 ", "--1", "1.2.3", "0x10", "NaN", "Infinity", "1_000", "\u{0661}", "1\0",
    ];
    for text in texts {
        assert_eq!(usd(text), Err(AmountError::NotANumber), "{text:?}");
        assert_eq!(
            Amount::parse(text),
            Err(AmountError::NotANumber),
            "{text:?}"
        );
    }
}

#[test]
fn the_ends_of_the_range_are_exact() {
    assert_eq!(usd("92233720368547758.07"), Ok(i64::MAX));
    assert_eq!(usd("-92233720368547758.08"), Ok(i64::MIN));
    assert_eq!(usd("92233720368547758.08"), Err(AmountError::OutOfRange));
    assert_eq!(usd("-92233720368547758.09"), Err(AmountError::OutOfRange));
    assert_eq!(usd(&"9".repeat(64)), Err(AmountError::OutOfRange));
    assert_eq!(
        usd(&format!("1.{}", "0".repeat(63))),
        Err(AmountError::OutOfRange)
    );
}

#[test]
fn a_positive_amount_is_neither_nothing_nor_less() {
    let parse = |text| Money::parse_positive(text, Currency::USD);
    assert_eq!(parse("0.01"), Ok(Money::new(1, Currency::USD)));
    assert_eq!(parse("0.00"), Err(AmountError::Zero));
    assert_eq!(parse("-0.01"), Err(AmountError::Negative));
}

#[test]
fn an_amount_without_currency_has_eighteen_digits_of_which_four_are_decimals() {
    assert_eq!(
        Amount::parse("99999999999999.9999").unwrap().to_string(),
        "99999999999999.9999"
    );
    assert_eq!(
        Amount::parse("100000000000000"),
        Err(AmountError::OutOfRange)
    );
    assert_eq!(
        Amount::parse("0.12345"),
        Err(AmountError::TooPrecise {
            allowed: 4,
            given: 5
        })
    );
    assert_eq!(Amount::parse("-1"), Err(AmountError::Negative));
    assert_eq!(Amount::parse("100.00").unwrap().to_string(), "100");
}

#[test]
fn an_amount_finer_than_the_currency_it_meets_is_refused() {
    let amount = Amount::parse("0.125").unwrap();
    assert_eq!(
        amount.into_money(Currency::USD),
        Err(AmountError::TooPrecise {
            allowed: 2,
            given: 3
        })
    );
    assert_eq!(
        amount.into_money(Currency::KWD),
        Ok(Money::new(125, Currency::KWD))
    );
}

#[test]
fn money_on_the_wire_is_minor_units_and_a_code() {
    let money = Money::new(15_000, Currency::USD);
    let json = serde_json::to_string(&money).unwrap();
    assert_eq!(json, r#"{"minor":15000,"currency":"USD"}"#);
    assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    assert!(serde_json::from_str::<Money>(r#"{"minor":1.0,"currency":"USD"}"#).is_err());
    assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"ABC"}"#).is_err());
}

fn currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(Currency::EVERY)
}

proptest! {
    #[test]
    fn what_is_shown_reads_back_as_the_same(minor: i64, currency in currency()) {
        let money = Money::new(minor, currency);
        prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
    }

    #[test]
    fn an_amount_shown_reads_back_as_the_same(whole in 0_i64..=99_999_999_999_999, rest in 0_u32..10_000) {
        let amount = Amount::parse(&format!("{whole}.{rest:04}")).unwrap();
        prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", currency in currency()) {
        let _ = Money::parse(&text, currency);
        let _ = Amount::parse(&text);
    }
}
