//! Where a payout goes: a few named texts that only the payout provider may see.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

const MOST_FIELDS: usize = 16;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 256;

/// Why something is not payment details. It never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DetailsError {
    /// Not a JSON object of texts.
    #[error("must be an object whose values are texts")]
    Shape,
    /// Nothing in it, or too much.
    #[error("must have 1 to 16 fields with names up to 64 and values up to 256 characters")]
    Size,
    /// A field that the method needs is not there.
    #[error("must have {0}")]
    Missing(&'static str),
}

/// Payment details such as an e-mail address or an IBAN. Debug output hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Details(BTreeMap<String, String>);

impl Details {
    /// Reads a JSON object of texts.
    pub fn parse(json: &[u8]) -> Result<Self, DetailsError> {
        let fields: BTreeMap<String, String> =
            serde_json::from_slice(json).map_err(|_| DetailsError::Shape)?;
        let fits = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        let sized = (1..=MOST_FIELDS).contains(&fields.len())
            && fields
                .iter()
                .all(|(name, value)| fits(name, LONGEST_NAME) && fits(value, LONGEST_VALUE));
        if sized {
            Ok(Self(fields))
        } else {
            Err(DetailsError::Size)
        }
    }

    /// Checks that what the payment method needs is there: `email` for `paypal`, `iban` or `account_number` for
    /// `bank_transfer`. Other methods need nothing that is known here.
    pub fn check_for(&self, method: &str) -> Result<(), DetailsError> {
        let has = |name: &str| self.0.contains_key(name);
        match method {
            "paypal" if !self.0.get("email").is_some_and(|email| is_email(email)) => {
                Err(DetailsError::Missing("an e-mail address in email"))
            }
            "bank_transfer" if !has("iban") && !has("account_number") => {
                Err(DetailsError::Missing("iban or account_number"))
            }
            _ => Ok(()),
        }
    }

    /// The JSON object again: only to be sealed, encrypted, or given to the provider.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// What may be shown: the first letter and the domain of an e-mail address, else the last four characters of an
    /// account. Never more than a part of a long value.
    pub fn masked(&self) -> String {
        let named = ["email", "iban", "account_number"]
            .into_iter()
            .find_map(|name| self.0.get_key_value(name))
            .or_else(|| self.0.first_key_value());
        match named {
            Some((name, value)) if name == "email" && is_email(value) => mask_email(value),
            Some((_, value)) => mask_account(value),
            None => mask_account(""),
        }
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.contains('@')
    })
}

fn mask_email(email: &str) -> String {
    let (name, domain) = email.split_once('@').unwrap_or_default();
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{domain}")
}

fn mask_account(account: &str) -> String {
    let characters: Vec<char> = account.chars().filter(|c| !c.is_whitespace()).collect();
    match characters.len() {
        12.. => format!(
            "****{}",
            String::from_iter(&characters[characters.len() - 4..])
        ),
        _ => "****".to_owned(),
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Details(..)")
    }
}
