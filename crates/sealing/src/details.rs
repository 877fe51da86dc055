//! Where a payout goes: a few named texts that only the payout provider may see.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

const MAX_FIELDS: usize = 16;
const MAX_NAME_LENGTH: usize = 64;
const MAX_VALUE_LENGTH: usize = 256;

/// Why something is not payment details. It never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DetailsError {
    /// Not a JSON object of texts.
    #[error("must be an object whose values are texts")]
    Shape,
    /// Nothing in it, or too much.
    #[error("must have 1 to 16 fields with names up to 64 and values up to 256 characters")]
    Size,
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
        let sized = (1..=MAX_FIELDS).contains(&fields.len())
            && fields
                .iter()
                .all(|(name, value)| fits(name, MAX_NAME_LENGTH) && fits(value, MAX_VALUE_LENGTH));
        if sized {
            Ok(Self(fields))
        } else {
            Err(DetailsError::Size)
        }
    }

    /// Details of these fields, as they are: whether a payout can go there, [`Details::checked`] says.
    pub fn of<N: Into<String>>(fields: impl IntoIterator<Item = (N, String)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
        Self(fields.collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The JSON object again: only to be sealed, encrypted, or given to the provider.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// What may be shown: the first letter and the domain of an e-mail address, else the last four characters of an
    /// account. Never more than a part of a long value, and nothing but ASCII: other characters can hide what they are.
    pub fn masked(&self) -> String {
        let named = ["email", "iban", "account_number"]
            .into_iter()
            .find_map(|name| self.0.get_key_value(name))
            .or_else(|| self.0.first_key_value());
        let masked = match named {
            Some((name, value)) if name == "email" => mask_email(value),
            Some((_, value)) => mask_account(value),
            None => None,
        };
        let plain = |masked: &String| masked.bytes().all(|byte| byte.is_ascii_graphic());
        masked.filter(plain).unwrap_or_else(|| "****".to_owned())
    }
}

fn mask_email(email: &str) -> Option<String> {
    let (name, domain) = email.split_once('@')?;
    let first = name.chars().next()?;
    let fits = domain.contains('.') && !domain.contains('@');
    fits.then(|| format!("{first}***@{domain}"))
}

fn mask_account(account: &str) -> Option<String> {
    let characters: Vec<char> = account.chars().filter(|c| !c.is_whitespace()).collect();
    let shown = characters.len().checked_sub(4).filter(|rest| *rest >= 8)?;
    Some(format!("****{}", String::from_iter(&characters[shown..])))
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Details(..)")
    }
}
