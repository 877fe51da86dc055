//! Numbers that text messages are sent to.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::{Invalid, MailGroup};

/// Numbers that one owner has.
pub const MAX_PHONE_NUMBERS: usize = 2;
/// Digits of a number, that of the country included.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A number of E.164 that text messages are sent to: a plus sign, and 7 to 15 digits, of which the first is not 0.
///
/// It is of a person: it is not shown by `Debug`, and `masked` is what people are shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// One without blanks or other signs between its digits: each number is written in one way.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const WHAT: Invalid =
            Invalid("must be a number as +491701234567: a plus sign, and 7 to 15 digits");
        let digits = text.strip_prefix('+').ok_or(WHAT)?;
        let is_number = DIGITS.contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self(text.to_owned())).ok_or(WHAT)
    }

    /// Digit by digit, after a plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people are shown it.
    pub fn masked(&self) -> String {
        let first: String = self.0.chars().take(3).collect();
        let last: String = self.0.chars().skip(self.0.len() - 2).collect();
        format!("{first}***{last}")
    }
}

impl MailGroup {
    /// Whether nobody who has an address may miss it: one at least is sent it.
    pub fn is_obligatory(self) -> bool {
        matches!(self, Self::Money | Self::Security)
    }

    /// Whether texts are sent about it too: they are for what cannot wait for somebody to read mail.
    pub fn is_texted(self) -> bool {
        self.is_obligatory()
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PhoneNumber(hidden)")
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_plus_sign_and_7_to_15_digits() {
        for text in [
            "+491701234567",
            "+15005550006",
            "+2901234",
            "+123456789012345",
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "+",
            "491701234567",
            "+0491701234567",
            "+123456",
            "+1234567890123456",
            "+49 170 1234567",
            "+49170-1234567",
            "+4917012345\u{0667}",
            "+491701234567\r\n",
            "+491701234567&To=1",
        ] {
            assert!(PhoneNumber::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_number_is_shown_by_its_ends_and_by_nothing_in_logs() {
        let number = PhoneNumber::parse("+491701234512").unwrap();
        assert_eq!(number.masked(), "+49***12");
        assert_eq!(format!("{number:?}"), "PhoneNumber(hidden)");
    }
}
