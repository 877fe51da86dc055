//! An amount as a client wrote it.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;
use types::{Amount, AmountError, Currency, Money};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Longer than any amount, shorter than any attack.
const MAX_LENGTH: usize = 32;
const EXPECTED: &str = "expected a decimal amount such as 150.00, without an exponent";

/// A JSON number or string that holds a decimal amount, kept as its text: no float on the way.
///
/// Only its shape is known: an optional sign, digits, and at most one point with digits after it.
/// [`AmountText::money`] and [`AmountText::amount`] say whether the digits fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountText(String);

impl AmountText {
    /// Takes what a client would write as a JSON string or number.
    pub fn parse(text: &str) -> Option<Self> {
        is_decimal(text).then(|| Self(text.to_owned()))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in a known currency; refuses more digits than the currency has.
    pub fn money(&self, currency: Currency) -> Result<Money, AmountError> {
        Money::parse(&self.0, currency)
    }

    /// The amount whose currency is not known yet: 18 digits, 4 of them decimals.
    pub fn amount(&self) -> Result<Amount, AmountError> {
        Amount::parse(&self.0)
    }

    /// Of a raw JSON number or string.
    pub(super) fn from_raw(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        if text.starts_with('"') {
            let text: String = serde_json::from_str(text).ok()?;
            return Self::parse(&text);
        }
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_raw(&raw).ok_or_else(|| D::Error::custom(EXPECTED))
    }
}

impl PartialSchema for AmountText {
    fn schema() -> RefOr<Schema> {
        let about = "A decimal amount, as a string or a number, without an exponent. As a string it is safe from clients whose \
                     numbers are floating.";
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
            .description(Some(about))
            .pattern(Some("^-?[0-9]+([.][0-9]+)?$"))
            .examples([json!("150.00"), json!(150.0)])
            .into()
    }
}

impl ToSchema for AmountText {
    fn name() -> Cow<'static, str> {
        "AmountText".into()
    }
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= MAX_LENGTH && digits(whole) && digits(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Option<String> {
        serde_json::from_str::<AmountText>(json)
            .ok()
            .map(|amount| amount.0)
    }

    #[test]
    fn numbers_and_strings_keep_their_text() {
        assert_eq!(parsed("150.00").as_deref(), Some("150.00"));
        assert_eq!(parsed(r#""0.10""#).as_deref(), Some("0.10"));
        assert_eq!(parsed("-3").as_deref(), Some("-3"));
        assert_eq!(
            parsed("100000000000000000.01").as_deref(),
            Some("100000000000000000.01")
        );
    }

    #[test]
    fn exponents_words_and_endless_digits_are_refused() {
        for json in [
            "1e2", "1E400", r#""1e2""#, r#""""#, r#"".5""#, r#""1.""#, "null", "true", "[1]",
        ] {
            assert_eq!(parsed(json), None, "{json}");
        }
        assert_eq!(parsed(&"9".repeat(33)), None);
        assert_eq!(parsed(r#""+1""#), None);
        assert_eq!(parsed(r#"" 1""#), None);
        assert_eq!(parsed(r#""NaN""#), None);
    }
}
