//! What is said of a visitor in place of its id: hashes under keys that the bff and tracking share. They are made where the id comes
//! in, so that no log and no topic holds it. Ids are e-mail addresses and numbers often enough; a plain hash of one is found by
//! trying them all.

use aws_lc_rs::{digest, hmac};
use chassis::lasting::{DerivedKeys, LastingKeys};
use schemas::VisitorHashes;
use types::{hash_of_hex, hex};

use crate::process_keys::ProcessKeys;

/// Keeps this use of the secret apart from every other.
const PURPOSE: &[u8] = b"tributary visitor v1";
/// And these two uses of the key from the hashes, of which each is of an id: no id is empty or has a control character.
const NAME: &[u8] = b"";
const MASK: u8 = 0;

/// The current one hashes; what the others hashed is known again.
static KEYS: ProcessKeys = ProcessKeys::of(PURPOSE);

/// A hash of an id, as bytes.
pub type Hash = [u8; 32];

/// A visitor by what is kept of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// What is kept of it from now on.
    pub current: Hash,
    /// What may have been kept of it before, under other keys or without one.
    pub others: Vec<Hash>,
}

/// Why hashes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Their key is none of this process.
    KeyUnknown,
    /// They are no hashes.
    Malformed,
}

/// Derives the process's keys from secrets that the bff and all replicas of tracking have; the first call counts.
pub fn set_keys(keys: &LastingKeys) {
    KEYS.set(keys);
}

/// What is kept of a visitor's id, the same in clicks, states and events.
pub fn hash(user_id: &str) -> Hash {
    keyed(&KEYS.get().current, user_id)
}

/// A visitor by all hashes that may have been kept of its id.
pub fn hashes(user_id: &str) -> Hashes {
    hashes_by(KEYS.get(), user_id)
}

/// What a command says in place of the id.
pub fn write(user_id: &str) -> VisitorHashes {
    write_by(KEYS.get(), user_id)
}

/// What a command says in place of the id, read back.
pub fn read(written: &VisitorHashes) -> Result<Hashes, Unreadable> {
    read_by(KEYS.get(), written)
}

fn hashes_by(keys: &DerivedKeys, user_id: &str) -> Hashes {
    let earlier = keys.accepted.iter().map(|key| keyed(key, user_id));
    Hashes {
        current: keyed(&keys.current, user_id),
        others: earlier.chain([plain(user_id)]).collect(),
    }
}

fn write_by(keys: &DerivedKeys, user_id: &str) -> VisitorHashes {
    let earlier = keys.accepted.iter();
    let hash = keyed(&keys.current, user_id);
    VisitorHashes {
        key: name(&keys.current),
        hash: hex(&hash),
        earlier: earlier.map(|key| hex(&keyed(key, user_id))).collect(),
        masked: hex(&masked(&keys.current, &hash, plain(user_id))),
    }
}

fn read_by(keys: &DerivedKeys, written: &VisitorHashes) -> Result<Hashes, Unreadable> {
    let mut own = keys.all();
    let key = own.find(|key| name(key) == written.key);
    let key = key.ok_or(Unreadable::KeyUnknown)?;
    let read = |digits: &String| hash_of_hex(digits).ok_or(Unreadable::Malformed);
    let current = read(&written.hash)?;
    let plain = masked(key, &current, read(&written.masked)?);
    let earlier: Result<Vec<_>, _> = written.earlier.iter().map(read).collect();
    let mut others = earlier?;
    others.push(plain);
    Ok(Hashes { current, others })
}

/// Enough to see that two processes have another key each.
fn name(key: &hmac::Key) -> String {
    let mac = hmac::sign(key, NAME);
    hex(&mac.as_ref()[..4])
}

/// Makes a plain hash unreadable without the key, and readable again: what it is masked with is another for each visitor.
fn masked(key: &hmac::Key, of: &Hash, plain: Hash) -> Hash {
    let mut label = vec![MASK];
    label.extend(of);
    let pad = hmac::sign(key, &label);
    let mut bytes = plain;
    for (byte, pad) in bytes.iter_mut().zip(pad.as_ref()) {
        *byte ^= pad;
    }
    bytes
}

fn keyed(key: &hmac::Key, user_id: &str) -> Hash {
    bytes(hmac::sign(key, user_id.as_bytes()).as_ref())
}

/// What builds before the keys kept: it is looked for, and never kept again.
fn plain(user_id: &str) -> Hash {
    bytes(digest::digest(&digest::SHA256, user_id.as_bytes()).as_ref())
}

fn bytes(hash: &[u8]) -> Hash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash);
    bytes
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

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
        let hash = |secret: &str, user_id: &str| hashes_by(&keys_of(secret, &[]), user_id).current;
        assert_eq!(hash("one", "user1"), hash("one", "user1"));
        assert_ne!(hash("one", "user1"), hash("one", "user2"));
        assert_ne!(hash("one", "user1"), hash("another", "user1"));
    }

    #[test]
    fn what_is_kept_is_not_the_plain_hash_of_an_id() {
        let user_id = "somebody@example.com";
        let visitor = hashes_by(&keys_of("one", &["earlier"]), user_id);
        assert_ne!(visitor.current, plain(user_id));
        assert_ne!(hash(user_id), plain(user_id), "nor before keys are set");
        assert_eq!(hash(user_id), hashes(user_id).current);
    }

    #[test]
    fn a_visitor_is_known_again_by_accepted_keys_and_by_the_plain_hash_and_by_nothing_else() {
        let by = |secret: &str| hashes_by(&keys_of(secret, &[]), "user1").current;
        let visitor = hashes_by(&keys_of("one", &["earlier", "earliest"]), "user1");
        assert_eq!(
            visitor.others,
            [by("earlier"), by("earliest"), plain("user1")]
        );
    }

    #[test]
    fn a_visitors_hash_is_under_a_key_of_its_own() {
        let keys = LastingKeys::from(SecretString::from("one"));
        let of_clicks = keys.derive(b"tributary click id v1").current;
        let of_visitors = keys.derive(PURPOSE).current;
        assert_ne!(keyed(&of_visitors, "user1"), keyed(&of_clicks, "user1"));
    }

    #[test]
    fn a_command_says_the_same_hashes_and_holds_none_that_a_dictionary_would_find() {
        let keys = keys_of("one", &["earlier"]);
        let written = write_by(&keys, "user1");
        assert_eq!(read_by(&keys, &written), Ok(hashes_by(&keys, "user1")));
        let plain = hex(&plain("user1"));
        assert!(!format!("{written:?}").contains(&plain), "{written:?}");
        assert_ne!(written.masked, write_by(&keys, "user2").masked);
    }

    #[test]
    fn while_keys_change_each_side_may_have_the_new_one_first() {
        let (before, after) = (keys_of("old", &["new"]), keys_of("new", &["old"]));
        let by = |secret: &str| hashes_by(&keys_of(secret, &[]), "user1").current;
        for (writer, reader, current) in [(&before, &after, "old"), (&after, &before, "new")] {
            let read = read_by(reader, &write_by(writer, "user1")).unwrap();
            assert_eq!(read.current, by(current));
            let all = [&[read.current], &*read.others].concat();
            for known in [by("old"), by("new"), plain("user1")] {
                assert!(all.contains(&known));
            }
        }
    }

    #[test]
    fn hashes_under_a_key_that_is_none_of_ours_are_not_taken_for_a_visitor() {
        let written = write_by(&keys_of("one", &[]), "user1");
        let read = read_by(&keys_of("another", &[]), &written);
        assert_eq!(read, Err(Unreadable::KeyUnknown));
        let keys = keys_of("one", &[]);
        for spoilt in ["", "9f86", &"é".repeat(32), &"+1".repeat(32)] {
            let hash = spoilt.to_owned();
            let written = VisitorHashes {
                hash,
                ..written.clone()
            };
            assert_eq!(
                read_by(&keys, &written),
                Err(Unreadable::Malformed),
                "{spoilt}"
            );
        }
    }
}
