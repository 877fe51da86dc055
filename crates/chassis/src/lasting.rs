//! The secret behind marks that must still be known long after they were made: hashes of requests, click ids, hashes of
//! visitors.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::config::Env;

/// The shortest secret that signs anything, in bytes.
const MIN_LENGTH: usize = 32;

/// What marks are made with, and what marks may have been made with.
#[derive(Debug, Clone)]
pub struct LastingKeys {
    /// Makes new marks.
    pub current: SecretString,
    /// Marks made with these are known too.
    pub accepted: Vec<SecretString>,
}

impl LastingKeys {
    /// Reads `LASTING_SECRET_KEY` and `LASTING_ACCEPTED_SECRET_KEYS`. Without the first, `INTERNAL_SECRET_KEY` serves, until
    /// that one is to be rotated: then marks need a key that stays.
    pub fn read(env: &mut Env) -> Self {
        let accepted = env.secrets("LASTING_ACCEPTED_SECRET_KEYS", MIN_LENGTH);
        let current = if env.is_given("LASTING_SECRET_KEY") {
            env.secret("LASTING_SECRET_KEY", MIN_LENGTH)
        } else {
            if env.is_given("INTERNAL_ACCEPTED_SECRET_KEYS") {
                let what = "must be set to what INTERNAL_SECRET_KEY was before that one is rotated: repeated requests are \
                            recognised by it";
                env.report(
                    "LASTING_SECRET_KEY",
                    what,
                    "the INTERNAL_SECRET_KEY of before",
                );
            }
            env.secret("INTERNAL_SECRET_KEY", MIN_LENGTH)
        };
        Self { current, accepted }
    }

    /// The keys of one purpose, which keeps this use of the secrets apart from every other.
    pub fn derive(&self, purpose: &[u8]) -> DerivedKeys {
        let derive = |secret: &SecretString| {
            let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            let derived = hmac::sign(&root, purpose);
            hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
        };
        DerivedKeys {
            current: derive(&self.current),
            accepted: self.accepted.iter().map(derive).collect(),
        }
    }
}

/// What [`LastingKeys`] are for one purpose.
#[derive(Debug)]
pub struct DerivedKeys {
    /// Makes new marks.
    pub current: hmac::Key,
    /// Marks made with these are known too.
    pub accepted: Vec<hmac::Key>,
}

impl DerivedKeys {
    /// The current one first, then the accepted ones.
    pub fn all(&self) -> impl Iterator<Item = &hmac::Key> {
        std::iter::once(&self.current).chain(&self.accepted)
    }
}

impl From<SecretString> for LastingKeys {
    fn from(current: SecretString) -> Self {
        Self {
            current,
            accepted: Vec::new(),
        }
    }
}
