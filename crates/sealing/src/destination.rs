//! Where a payout may go: one set of rules, whoever says it and by whichever transport.

use iban::{Iban, IbanLike};
use types::PayoutMethod;

use crate::Details;
use crate::holder::holder;

const MAX_EMAIL_LENGTH: usize = 254;

/// A field of a payment method: whether it must be there, what it must be, and how its standard writes it.
struct Field {
    name: &'static str,
    required: bool,
    must: &'static str,
    read: fn(&str) -> Option<String>,
}

/// Each field that the method knows.
const fn fields(method: PayoutMethod) -> &'static [Field] {
    match method {
        PayoutMethod::Paypal => &[Field {
            name: "email",
            required: true,
            must: "must be an e-mail address in ASCII",
            read: email,
        }],
        PayoutMethod::BankTransfer => &[
            Field {
                name: "iban",
                required: true,
                must: "must be an IBAN of a known country with right check digits",
                read: iban,
            },
            Field {
                name: "name",
                required: false,
                must: "must be 1 to 140 characters that can be seen",
                read: holder,
            },
            Field {
                name: "bic",
                required: false,
                must: "must be a BIC of 8 or 11 characters",
                read: bic,
            },
        ],
    }
}

/// What is wrong with payment details. It never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as a JSON pointer into the details; empty for the details themselves.
    pub pointer: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

/// The names that any method knows, with their pointers.
const KNOWN: [(&str, &str); 4] = [
    ("email", "/email"),
    ("iban", "/iban"),
    ("name", "/name"),
    ("bic", "/bic"),
];

impl Details {
    /// The details as their standards write them, if a payout by this method can go there.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn checked(&self, method: PayoutMethod) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut written = Vec::new();
        for (name, pointer) in KNOWN {
            let mut refuse = |what| faults.push(Fault { pointer, what });
            let field = fields(method).iter().find(|field| field.name == name);
            match (self.get(name), field) {
                (Some(_), None) => refuse("does not belong to this payment method"),
                (None, Some(field)) if field.required => refuse("is missing"),
                (Some(value), Some(field)) => match (field.read)(value) {
                    Some(value) => written.push((name, value)),
                    None => refuse(field.must),
                },
                (None, _) => {}
            }
        }
        if self
            .names()
            .any(|name| KNOWN.iter().all(|(known, _)| *known != name))
        {
            faults.push(Fault {
                pointer: "",
                what: "holds a field that is not known; its name is not repeated here",
            });
        }
        if faults.is_empty() {
            Ok(Self::of(written))
        } else {
            Err(faults)
        }
    }
}

fn email(text: &str) -> Option<String> {
    let whole = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..")
    };
    let plain = text.len() <= MAX_EMAIL_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
    let (name, domain) = text.split_once('@')?;
    let fits =
        plain && whole(name) && whole(domain) && domain.contains('.') && !domain.contains('@');
    fits.then(|| text.to_owned())
}

fn iban(text: &str) -> Option<String> {
    let compact = compact(text)?;
    let iban: Iban = compact.parse().ok()?;
    Some(iban.electronic_str().to_owned())
}

/// ISO 9362: four of the institution, two of the country, two of the place, three of the branch.
fn bic(text: &str) -> Option<String> {
    let bic = compact(text)?;
    let fits = matches!(bic.len(), 8 | 11) && bic.bytes().take(6).all(|b| b.is_ascii_uppercase());
    fits.then_some(bic)
}

/// Without the spaces that people write, in capitals; nothing but ASCII letters and digits otherwise.
fn compact(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let plain = compact.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| compact.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_is_recognized_by_its_country_and_check_digits() {
        for text in [
            "DE89 3704 0044 0532 0130 00",
            "gb29nwbk60161331926819",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            let written = iban(text).unwrap();
            assert!(!written.contains(' '), "{written}");
            assert_eq!(iban(&written), Some(written));
        }
        for text in [
            "",
            "XX",
            "DE",
            "DE88370400440532013000",
            "DE89370400440532013001",
            "8937040044053201300DE0",
            "DE89-3704-0044-0532-0130-00",
            "DE8937040044053201300\u{e9}",
            "DE89\u{a0}370400440532013000",
            "NO938601111794",
            // Right check digits, no country.
            "XX82370400440532013000",
        ] {
            assert_eq!(iban(text), None, "{text}");
        }
    }

    #[test]
    fn every_single_changed_digit_of_an_iban_is_noticed() {
        let right = "DE89370400440532013000";
        for index in 2..right.len() {
            for digit in '0'..='9' {
                let mut changed: Vec<char> = right.chars().collect();
                changed[index] = digit;
                let changed = String::from_iter(changed);
                assert_eq!(iban(&changed).is_some(), changed == right, "{changed}");
            }
        }
    }

    #[test]
    fn an_email_address_has_a_name_and_a_domain_and_nothing_unseen() {
        assert!(email("user@example.com").is_some());
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
            "\u{202e}a@c.de",
            "a@c\u{200b}.de",
        ] {
            assert_eq!(email(text), None, "{text:?}");
        }
    }
}
