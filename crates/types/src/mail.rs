//! Addresses that mail is sent to.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::{Invalid, is_host_name, is_public_host};

/// Addresses that one owner has.
pub const MAX_MAIL_ADDRESSES: usize = 5;
/// The longest address, in bytes: what fits a path of SMTP.
const MAX_LENGTH: usize = 254;
const MAX_LOCAL_LENGTH: usize = 64;

/// An address that mail is sent to: letters, digits and the signs that stand in one without quotes, at a public host name.
///
/// It is of a person: it is not shown by `Debug`, and `masked` is what people are shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailAddress(String);

impl MailAddress {
    /// One that SMTP takes letter by letter: nothing in it needs quotes, so nothing in it can end a header or a command.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const WHAT: Invalid = Invalid("must be a mail address at a public host name");
        if text.len() > MAX_LENGTH {
            return Err(Invalid("must be at most 254 bytes"));
        }
        let (local, host) = text.rsplit_once('@').ok_or(WHAT)?;
        let host = host.to_ascii_lowercase();
        let is_local = (1..=MAX_LOCAL_LENGTH).contains(&local.len())
            && local
                .split('.')
                .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
        if is_local && is_host_name(&host) && is_public_host(&host) {
            Ok(Self(format!("{local}@{host}")))
        } else {
            Err(WHAT)
        }
    }

    /// Letter by letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people are shown it.
    pub fn masked(&self) -> String {
        let first = self.0.chars().take(1).collect::<String>();
        let host = self.0.rsplit('@').next().unwrap_or_default();
        format!("{first}***@{host}")
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MailAddress(hidden)")
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_smtp_takes_as_it_is_at_a_public_name_is_an_address() {
        for (text, kept) in [
            ("mia@example.com", "mia@example.com"),
            (
                "mia.o'hara+shop@Mail.Example.COM",
                "mia.o'hara+shop@mail.example.com",
            ),
            ("1@xn--bcher-kva.example", "1@xn--bcher-kva.example"),
        ] {
            assert_eq!(MailAddress::parse(text).unwrap().as_str(), kept);
        }
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "a.".repeat(130));
        for text in [
            "",
            "mia",
            "@example.com",
            "mia@",
            "mia@localhost",
            "mia@10.0.0.1",
            "mia@[127.0.0.1]",
            "mia@printer.local",
            ".mia@example.com",
            "mia.@example.com",
            "mi..a@example.com",
            "mi a@example.com",
            "\"mia\"@example.com",
            "mia@example.com\r\nBcc: all@example.com",
            "mia\r\n@example.com",
            "mia\n@example.com",
            "Mia <mia@example.com>",
            "mia@example.com,eve@example.com",
            "mia@eve@example.com",
            "mía@example.com",
            &long,
            &longer,
        ] {
            assert!(MailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_shown_by_its_first_letter_and_its_host_and_by_nothing_in_logs() {
        let address = MailAddress::parse("mia.meier@example.com").unwrap();
        assert_eq!(address.masked(), "m***@example.com");
        assert_eq!(format!("{address:?}"), "MailAddress(hidden)");
    }
}
