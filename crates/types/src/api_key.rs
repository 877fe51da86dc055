//! What an API key and what is known of it look like: `trib_`, a prefix that lists show, `_`, and a secret.

use crate::{ApiKeyScope, ApiKeyStatus, Invalid, Micros};

/// What every API key begins with: so it is told from a token, and found by scanners where it should not be.
pub const API_KEY_START: &str = "trib_";
/// Characters of a prefix.
const PREFIX: usize = 8;
/// Characters of a secret: 256 bits in hexadecimal.
const SECRET: usize = 64;
/// Characters of a whole key: any other text is none.
pub const API_KEY_LENGTH: usize = API_KEY_START.len() + PREFIX + 1 + SECRET;
/// Keys of one brand that are not revoked.
pub const MAX_API_KEYS: usize = 50;
/// How long the secret of before may go on beside a new one.
pub const MAX_OVERLAP_SECONDS: i64 = 7 * 24 * 3_600;

/// Whether a text has the form of a key; whether there is one, only its hash says.
pub fn is_api_key(text: &str) -> bool {
    let Some((prefix, secret)) = text
        .strip_prefix(API_KEY_START)
        .filter(|_| text.len() == API_KEY_LENGTH)
        .and_then(|rest| rest.split_once('_'))
    else {
        return false;
    };
    check_key_prefix(prefix).is_ok() && is_hex(secret, SECRET)
}

impl ApiKeyStatus {
    /// That of a key, which has no hash once it is revoked, at this time.
    pub fn of(hash: Option<&str>, expires_at: Option<Micros>, now: Micros) -> Self {
        match hash {
            None => Self::Revoked,
            Some(_) if expires_at.is_some_and(|until| until <= now) => Self::Expired,
            Some(_) => Self::Active,
        }
    }
}

impl ApiKeyScope {
    /// As one text has several: by one space.
    pub fn join(scopes: &[Self]) -> String {
        let names = scopes.iter().map(|scope| scope.name());
        names.collect::<Vec<_>>().join(" ")
    }
}

/// The part of a key that lists show: 8 hexadecimal digits in lower case.
pub fn check_key_prefix(text: &str) -> Result<(), Invalid> {
    let fits = is_hex(text, PREFIX);
    fits.then_some(())
        .ok_or(Invalid("must be 8 hexadecimal digits in lower case"))
}

/// What is kept of a key: its SHA-256, in hexadecimal.
pub fn check_key_hash(text: &str) -> Result<(), Invalid> {
    let fits = is_hex(text, 64);
    fits.then_some(())
        .ok_or(Invalid("must be 64 hexadecimal digits in lower case"))
}

/// What a key may do: one scope at least, none twice.
pub fn check_scopes(scopes: &[ApiKeyScope]) -> Result<(), Invalid> {
    if scopes.is_empty() {
        return Err(Invalid("must name one scope at least"));
    }
    let twice = (1..scopes.len()).any(|at| scopes[..at].contains(&scopes[at]));
    if twice {
        return Err(Invalid("must not name a scope twice"));
    }
    Ok(())
}

/// How long the secret of before goes on: up to seven days.
pub fn check_overlap(seconds: i64) -> Result<(), Invalid> {
    let fits = (0..=MAX_OVERLAP_SECONDS).contains(&seconds);
    fits.then_some(())
        .ok_or(Invalid("must be from 0 to 604800 seconds"))
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_of_the_one_form_is_a_key() {
        let key = format!("trib_0123abcd_{}", "5".repeat(64));
        assert!(is_api_key(&key));
        for other in [
            key[..key.len() - 1].to_owned(),
            format!("{key}5"),
            key.replacen("trib", "TRIB", 1),
            key.replacen("abcd", "ABCD", 1),
            key.replacen("abcd", "abc_", 1),
            key.replacen('5', "g", 1),
            key.replacen("55", "é", 1),
            String::new(),
        ] {
            assert!(!is_api_key(&other), "{other}");
        }
    }

    #[test]
    fn a_key_has_scopes_and_none_twice() {
        let (read, write) = (ApiKeyScope::ReportsRead, ApiKeyScope::LinksWrite);
        assert!(check_scopes(&[read, write]).is_ok());
        assert!(check_scopes(&[]).is_err());
        assert!(check_scopes(&[read, write, read]).is_err());
    }
}
