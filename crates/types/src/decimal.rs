//! Plain decimal text to scaled integers and back: the grammar is JSON's number without the exponent, so that a JSON
//! string and a JSON number mean the same.

use std::fmt;

use thiserror::Error;

/// Nothing longer is read: no amount that fits needs it.
const MAX_TEXT_LENGTH: usize = 64;

/// Why a text or a number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not plain decimal digits: empty, a sign other than a leading minus, an exponent, leading zeros, spaces.
    #[error(
        "is not a plain decimal number such as 12.50 (digits and at most one point, no exponent)"
    )]
    NotANumber,
    /// More decimals than there is a unit for. Trailing zeros do not count.
    #[error("has {given} decimals, at most {allowed} are possible")]
    TooPrecise {
        /// How many the currency, or an amount without one, can have.
        allowed: u32,
        /// How many were given.
        given: usize,
    },
    /// Below zero where nothing negative makes sense.
    #[error("must not be negative")]
    Negative,
    /// Nothing, where something must be.
    #[error("must be more than zero")]
    Zero,
    /// More than can be held.
    #[error("is too large")]
    OutOfRange,
    /// Not an ISO 4217 code that is in use.
    #[error("is not a known ISO 4217 currency code")]
    UnknownCurrency,
}

/// Reads `text` as a count of units of 10^-`scale`.
pub(crate) fn parse(text: &str, scale: u32) -> Result<i64, AmountError> {
    if text.len() > MAX_TEXT_LENGTH {
        return Err(AmountError::OutOfRange);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = match unsigned.split_once('.') {
        Some((whole, decimals)) if is_digits(decimals) => (whole, decimals.trim_end_matches('0')),
        Some(_) => return Err(AmountError::NotANumber),
        None => (unsigned, ""),
    };
    if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return Err(AmountError::NotANumber);
    }
    let missing = usize::try_from(scale)
        .ok()
        .and_then(|scale| scale.checked_sub(decimals.len()))
        .ok_or(AmountError::TooPrecise {
            allowed: scale,
            given: decimals.len(),
        })?;
    let digits = whole
        .bytes()
        .chain(decimals.bytes())
        .chain(std::iter::repeat_n(b'0', missing));
    // Counted downwards from zero, because the negative side holds one more than the positive.
    let below = digits
        .map(|digit| i64::from(digit - b'0'))
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_sub(digit))
        .ok_or(AmountError::OutOfRange)?;
    if negative {
        Ok(below)
    } else {
        below.checked_neg().ok_or(AmountError::OutOfRange)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes `units` of 10^-`scale` with exactly `scale` decimals.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, units: i64, scale: u32) -> fmt::Result {
    let sign = if units < 0 { "-" } else { "" };
    let unit = 10_u64.pow(scale);
    let whole = units.unsigned_abs() / unit;
    if scale == 0 {
        return write!(f, "{sign}{whole}");
    }
    let decimals = units.unsigned_abs() % unit;
    let width = usize::try_from(scale).unwrap_or_default();
    write!(f, "{sign}{whole}.{decimals:0width$}")
}
