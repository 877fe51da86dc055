//! What is kept of a visitor's id: a hash under a key. Ids are e-mail addresses and numbers often enough; a plain hash of one
//! is found by trying them all.

use std::sync::{LazyLock, OnceLock};

use aws_lc_rs::{digest, hmac};
use chassis::lasting::{DerivedKeys, LastingKeys};
use secrecy::SecretString;
use uuid::Uuid;

use crate::domain::{UserHash, Visitor};

/// Keeps this use of the secret apart from every other.
const PURPOSE: &[u8] = b"tributary visitor v1";

/// The current one hashes; what the others hashed is known again.
static KEYS: OnceLock<DerivedKeys> = OnceLock::new();
/// Before keys are set: one that ends with the process, so that there never is a hash that others could make.
static WITHOUT_KEYS: LazyLock<DerivedKeys> = LazyLock::new(|| {
    let random = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    LastingKeys::from(SecretString::from(random)).derive(PURPOSE)
});

/// Derives the process's keys from secrets that all replicas have; the first call counts.
pub fn set_keys(keys: &LastingKeys) {
    let _ = KEYS.set(keys.derive(PURPOSE));
}

fn keys() -> &'static DerivedKeys {
    KEYS.get().unwrap_or_else(|| &WITHOUT_KEYS)
}

/// What is kept of a visitor's id, the same in clicks, states and events.
pub fn hash(user_id: &str) -> UserHash {
    keyed(&keys().current, user_id)
}

/// A visitor by all hashes that may have been kept of its id.
pub fn read(user_id: &str) -> Visitor {
    known_by(keys(), user_id)
}

fn known_by(keys: &DerivedKeys, user_id: &str) -> Visitor {
    let earlier = keys.accepted.iter().map(|key| keyed(key, user_id));
    Visitor {
        hash: keyed(&keys.current, user_id),
        others: earlier.chain([plain(user_id)]).collect(),
    }
}

fn keyed(key: &hmac::Key, user_id: &str) -> UserHash {
    user_hash(hmac::sign(key, user_id.as_bytes()).as_ref())
}

/// What builds before the keys kept: it is looked for, and never kept again.
fn plain(user_id: &str) -> UserHash {
    user_hash(digest::digest(&digest::SHA256, user_id.as_bytes()).as_ref())
}

fn user_hash(hash: &[u8]) -> UserHash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash);
    UserHash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(current: &str, accepted: &[&str]) -> DerivedKeys {
        let accepted = accepted.iter().map(|secret| SecretString::from(*secret));
        let keys = LastingKeys {
            current: SecretString::from(current),
            accepted: accepted.collect(),
        };
        keys.derive(PURPOSE)
    }

    #[test]
    fn the_same_id_has_the_same_hash_under_the_same_key_and_another_under_another() {
        let hash = |secret: &str, user_id: &str| known_by(&keys_of(secret, &[]), user_id).hash;
        assert_eq!(hash("one", "user1"), hash("one", "user1"));
        assert_ne!(hash("one", "user1"), hash("one", "user2"));
        assert_ne!(hash("one", "user1"), hash("another", "user1"));
    }

    #[test]
    fn what_is_kept_is_not_the_plain_hash_of_an_id() {
        let user_id = "somebody@example.com";
        let visitor = known_by(&keys_of("one", &["earlier"]), user_id);
        assert_ne!(visitor.hash, plain(user_id));
        assert_ne!(hash(user_id), plain(user_id), "nor before keys are set");
        assert_eq!(hash(user_id), read(user_id).hash);
    }

    #[test]
    fn a_visitor_is_known_again_by_accepted_keys_and_by_the_plain_hash_and_by_nothing_else() {
        let by = |secret: &str| known_by(&keys_of(secret, &[]), "user1").hash;
        let visitor = known_by(&keys_of("one", &["earlier", "earliest"]), "user1");
        assert_eq!(
            visitor.others,
            [by("earlier"), by("earliest"), plain("user1")]
        );
        for kept in [by("one"), by("earlier"), by("earliest"), plain("user1")] {
            assert!(visitor.is(kept));
        }
        assert!(!visitor.is(by("retired")));
        assert!(!visitor.is(plain("user2")));
    }

    #[test]
    fn a_visitors_hash_is_under_a_key_of_its_own() {
        let keys = LastingKeys::from(SecretString::from("one"));
        let of_clicks = keys.derive(b"tributary click id v1").current;
        let of_visitors = keys.derive(PURPOSE).current;
        assert_ne!(keyed(&of_visitors, "user1"), keyed(&of_clicks, "user1"));
    }
}
