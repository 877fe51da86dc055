//! What makes a write repeatable: the client's key, and a hash that tells whether it is the same write.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use axum::http::HeaderMap;

use crate::lasting::{DerivedKeys, LastingKeys};
use crate::problem::{FieldProblem, Problem, code};

/// The header that carries the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

const MAX_LENGTH: usize = 128;
/// Keeps this use of the secret apart from every other.
const PURPOSE: &[u8] = b"tributary request hash v1";

/// An `Idempotency-Key`: 1 to 128 visible ASCII characters, chosen by the client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The request's key, if it has one; 400 for one that is malformed or given twice.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = value
            .to_str()
            .ok()
            .and_then(Self::parse)
            .filter(|_| values.next().is_none());
        key.map(Some).ok_or_else(|| {
            let detail = "must be 1 to 128 visible ASCII characters, once";
            Problem::of(code::INVALID_HEADER)
                .with_detail("the Idempotency-Key is malformed")
                .with_error(FieldProblem::parameter("Idempotency-Key", detail))
        })
    }

    /// A key, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && (1..=MAX_LENGTH).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The key of one of many writes that a request with this key stands for, by its place. No client can send it.
    #[must_use]
    pub fn of_item(&self, place: usize) -> Self {
        Self(format!("{}\n{place}", self.0))
    }

    /// What is kept of it: 64 hexadecimal digits of its SHA-256.
    pub fn hash(&self) -> String {
        let hash = digest::digest(&digest::SHA256, self.0.as_bytes());
        types::hex(hash.as_ref())
    }
}

/// Hashes requests with a secret, so that a stored hash gives away nothing of a body.
pub struct RequestHasher(DerivedKeys);

/// A request's hash, and what it would have been under earlier keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHash {
    current: [u8; 32],
    accepted: Vec<[u8; 32]>,
}

impl RequestHash {
    /// The one to store.
    pub fn current(&self) -> [u8; 32] {
        self.current
    }

    /// Whether the stored one is of the same request.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.current == stored || self.accepted.iter().any(|hash| hash == stored)
    }
}

impl RequestHasher {
    /// Derives its keys from secrets that all replicas have.
    pub fn new(keys: &LastingKeys) -> Self {
        Self(keys.derive(PURPOSE))
    }

    /// HMAC-SHA256 over method, path and body, each with its length before it.
    pub fn request_hash(&self, method: &str, path: &str, body: &[u8]) -> RequestHash {
        let hash = |key| hash(key, method, path, body);
        RequestHash {
            current: hash(&self.0.current),
            accepted: self.0.accepted.iter().map(hash).collect(),
        }
    }
}

fn hash(key: &hmac::Key, method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in [method.as_bytes(), path.as_bytes(), body] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    hash
}

impl fmt::Debug for RequestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestHasher(..)")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn another_method_path_body_or_secret_gives_another_hash() {
        let hasher = RequestHasher::new(&SecretString::from("a").into());
        let hash = hasher.request_hash("POST", "/a", b"{}");
        assert_eq!(hash, hasher.request_hash("POST", "/a", b"{}"));
        assert_ne!(hash, hasher.request_hash("PUT", "/a", b"{}"));
        assert_ne!(hash, hasher.request_hash("POST", "/a{", b"}"));
        assert_ne!(hash, hasher.request_hash("POST", "/a", b"{ }"));
        assert_ne!(
            hash,
            RequestHasher::new(&SecretString::from("b").into()).request_hash("POST", "/a", b"{}")
        );
    }

    #[test]
    fn a_hash_made_with_an_accepted_key_is_of_the_same_request_and_of_no_other() {
        let keys = |current: &str, accepted: &[&str]| LastingKeys {
            current: SecretString::from(current),
            accepted: accepted
                .iter()
                .map(|key| SecretString::from(*key))
                .collect(),
        };
        let old = RequestHasher::new(&keys("old", &[]));
        let stored = old.request_hash("POST", "/a", b"{}").current();
        let rotated = RequestHasher::new(&keys("new", &["old"]));
        assert!(rotated.request_hash("POST", "/a", b"{}").is(&stored));
        assert!(!rotated.request_hash("POST", "/b", b"{}").is(&stored));
        assert_ne!(rotated.request_hash("POST", "/a", b"{}").current(), stored);
        let ended = RequestHasher::new(&keys("new", &[]));
        assert!(!ended.request_hash("POST", "/a", b"{}").is(&stored));
    }

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        assert!(IdempotencyKey::parse("order-1/2").is_some());
        for text in ["", "a b", "a\u{e9}", &"a".repeat(129)] {
            assert_eq!(IdempotencyKey::parse(text), None, "{text}");
        }
    }
}
