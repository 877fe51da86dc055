//! Where a payout goes, as a client says it: the one thing here that must never be stored or logged in the clear.

use std::collections::BTreeMap;
use std::fmt;

use chassis::problem::Fields;
use sealing::{Details, DetailsError};
use serde::Deserialize;
use utoipa::ToSchema;

const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 140;
/// ISO 13616: two letters, two check digits, up to 30 more characters.
const IBAN_LENGTHS: std::ops::RangeInclusive<usize> = 15..=34;

/// How money is paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Paypal,
    BankTransfer,
}

impl Method {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "paypal" => Some(Self::Paypal),
            "bank_transfer" => Some(Self::BankTransfer),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Paypal => "paypal",
            Self::BankTransfer => "bank_transfer",
        }
    }
}

/// Where to: `email` for `paypal`; `iban`, and if you like `name` and `bic`, for `bank_transfer`. Sealed before anything
/// is stored; shown masked.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "user@example.com"}))]
pub(crate) struct AccountDetails {
    email: Option<String>,
    iban: Option<String>,
    /// The account's holder.
    name: Option<String>,
    bic: Option<String>,
}

impl AccountDetails {
    /// Notes what is wrong with them for this method, at `/account_details`.
    pub(super) fn check(&self, method: Method, fields: &mut Fields) {
        let mut given = |value: &Option<String>, pointer, fits: fn(&str) -> bool, detail| {
            if value.as_deref().is_some_and(|value| !fits(value)) {
                fields.refuse(pointer, detail);
            }
        };
        let strange = "does not belong to this payment method";
        let (email, iban) = ("/account_details/email", "/account_details/iban");
        let (name, bic) = ("/account_details/name", "/account_details/bic");
        match method {
            Method::Paypal => {
                given(&self.email, email, is_email, "must be an e-mail address");
                given(&self.iban, iban, |_| false, strange);
                given(&self.name, name, |_| false, strange);
                given(&self.bic, bic, |_| false, strange);
                fields.require(self.email.is_some(), email, "is missing");
            }
            Method::BankTransfer => {
                given(&self.email, email, |_| false, strange);
                given(
                    &self.iban,
                    iban,
                    is_iban,
                    "must be an IBAN with right check digits",
                );
                given(
                    &self.name,
                    name,
                    is_name,
                    "must be 1 to 140 characters, none of them a control character",
                );
                given(
                    &self.bic,
                    bic,
                    is_bic,
                    "must be a BIC of 8 or 11 characters",
                );
                fields.require(self.iban.is_some(), iban, "is missing");
            }
        }
    }

    /// What is sealed: the fields that were given, the IBAN and BIC as their standards write them.
    pub(super) fn to_details(&self) -> Result<Details, DetailsError> {
        let fields = [
            ("email", self.email.clone()),
            ("iban", self.iban.as_deref().map(compact)),
            ("name", self.name.clone()),
            ("bic", self.bic.as_deref().map(compact)),
        ];
        let given: BTreeMap<_, _> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        Details::parse(&serde_json::to_vec(&given).map_err(|_| DetailsError::Shape)?)
    }
}

impl fmt::Debug for AccountDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountDetails(..)")
    }
}

fn is_email(text: &str) -> bool {
    let whole = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..")
    };
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    text.len() <= LONGEST_EMAIL
        && plain
        && text.split_once('@').is_some_and(|(name, domain)| {
            whole(name) && whole(domain) && domain.contains('.') && !domain.contains('@')
        })
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_bic(text: &str) -> bool {
    let text = compact(text);
    matches!(text.len(), 8 | 11)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().take(6).all(|byte| byte.is_ascii_uppercase())
}

/// ISO 13616: country, check digits, account; moved to the end and with letters as 10 to 35, the number leaves 1 when
/// divided by 97.
fn is_iban(text: &str) -> bool {
    let iban = compact(text);
    let bytes = iban.as_bytes();
    let shaped = IBAN_LENGTHS.contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    shaped && remainder_of_97(bytes[4..].iter().chain(&bytes[..4])) == 1
}

fn remainder_of_97<'a>(characters: impl Iterator<Item = &'a u8>) -> u32 {
    characters.fold(0, |remainder, byte| {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            letter => letter - b'A' + 10,
        };
        let shift = if value > 9 { 100 } else { 10 };
        (remainder * shift + u32::from(value)) % 97
    })
}

/// Without the spaces that people write, in capitals.
fn compact(text: &str) -> String {
    text.chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_is_told_by_its_check_digits() {
        for iban in [
            "DE89 3704 0044 0532 0130 00",
            "gb29nwbk60161331926819",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            assert!(is_iban(iban), "{iban}");
        }
        for iban in [
            "",
            "DE",
            "DE88370400440532013000",
            "DE89370400440532013001",
            "8937040044053201300DE0",
            "DE89-3704-0044-0532-0130-00",
            "DE8937040044053201300\u{e9}",
            "NO938601111794",
        ] {
            assert!(!is_iban(iban), "{iban}");
        }
    }

    #[test]
    fn every_single_changed_digit_of_an_iban_is_noticed() {
        let iban = "DE89370400440532013000";
        for index in 2..iban.len() {
            for digit in '0'..='9' {
                let mut changed: Vec<char> = iban.chars().collect();
                changed[index] = digit;
                let changed = String::from_iter(changed);
                assert_eq!(is_iban(&changed), changed == iban, "{changed}");
            }
        }
    }

    #[test]
    fn an_email_address_has_a_name_and_a_domain() {
        assert!(is_email("user@example.com"));
        for text in [
            "",
            "user",
            "user@",
            "@example.com",
            "user@example",
            "a b@example.com",
            "a@b@c.de",
            "a..b@c.de",
            "a@.de",
            "a@c.de.",
            "a\u{0}@c.de",
        ] {
            assert!(!is_email(text), "{text:?}");
        }
    }

    #[test]
    fn debug_output_shows_nothing_of_them() {
        let details = AccountDetails {
            email: Some("user@example.com".to_owned()),
            iban: None,
            name: None,
            bic: None,
        };
        assert_eq!(format!("{details:?}"), "AccountDetails(..)");
    }
}
