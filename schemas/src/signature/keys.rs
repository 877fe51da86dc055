//! Signatures of messages: HMAC-SHA-256, as `<key id>.<base64url>`.

use std::io::Write;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::service::{Service, Topic};

/// Keeps this use of the services' secret apart from every other.
const PURPOSE: &[u8] = b"tributary message signatures v1";
/// Names a key without saying anything of it.
const KEY_ID: &[u8] = b"key id";
/// What a service signs begins with this.
const OF_SERVICE: &str = "tributary service message v1";
/// What a producer signs begins with this.
const OF_PRODUCER: &str = "tributary producer message v1";

/// A key that is ready to be used.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(..)")
    }
}

impl MacKey {
    /// From a secret's bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A producer's signature: over a label, its name, the topic's name without tenant and namespace, and the exact Avro
    /// bytes, each but the last with a line end behind it.
    pub fn sign_as_producer(&self, key_id: &str, name: &str, topic: Topic, bytes: &[u8]) -> String {
        written(key_id, self.of_producer(name, topic, bytes).sign().as_ref())
    }

    pub(super) fn is_of_producer(
        &self,
        name: &str,
        topic: Topic,
        bytes: &[u8],
        mac: &[u8],
    ) -> bool {
        is(self.of_producer(name, topic, bytes), mac)
    }

    fn of_producer(&self, name: &str, topic: Topic, bytes: &[u8]) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.0);
        for line in [OF_PRODUCER, name, topic.name()] {
            context.update(line.as_bytes());
            context.update(b"\n");
        }
        context.update(bytes);
        context
    }
}

/// What a service signs: the message with its place and how its bytes are to be read, so that it counts nowhere else and
/// as nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The service.
    pub source: Service,
    /// The topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// The log's epoch.
    pub epoch: i64,
    /// The place in the stream.
    pub sequence: i64,
    /// The layout of the schema that the bytes were written with.
    pub layout: &'a [u8; 32],
    /// One Avro datum.
    pub bytes: &'a [u8],
}

impl Signed<'_> {
    fn with(&self, key: &MacKey) -> hmac::Context {
        // Long enough for the longest names and numbers.
        let mut head = [0; 192];
        let mut rest = head.as_mut_slice();
        let (source, topic) = (self.source.name(), self.topic.name());
        let (partition, epoch, sequence) = (self.partition, self.epoch, self.sequence);
        let fits = write!(
            rest,
            "{OF_SERVICE}\n{source}\n{topic}\n{partition}\n{epoch}\n{sequence}\n"
        );
        debug_assert!(fits.is_ok(), "the head is bounded");
        let left = rest.len();
        let mut context = hmac::Context::with_key(&key.0);
        context.update(&head[..head.len() - left]);
        context.update(self.layout);
        context.update(self.bytes);
        context
    }
}

/// What services sign with, and what may have been signed with.
#[derive(Debug, Clone)]
pub struct ServiceKeys(Vec<(String, MacKey)>);

impl ServiceKeys {
    /// From the secrets that services share; the first signs.
    pub fn derive<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let derived = secrets.into_iter().map(|secret| {
            let root = MacKey::new(secret);
            let key = MacKey::new(hmac::sign(&root.0, PURPOSE).as_ref());
            let id = hmac::sign(&key.0, KEY_ID);
            (URL_SAFE_NO_PAD.encode(&id.as_ref()[..6]), key)
        });
        Self(derived.collect())
    }

    /// As the relay signs what it ships.
    pub fn sign(&self, signed: &Signed<'_>) -> String {
        let Some((id, key)) = self.0.first() else {
            return String::new();
        };
        written(id, signed.with(key).sign().as_ref())
    }

    /// Whether it is a signature of this message at this place.
    pub fn verify(&self, signed: &Signed<'_>, signature: &str) -> bool {
        let Some((id, mac)) = read(signature) else {
            return false;
        };
        let key = self.0.iter().find(|(known, _)| known == id);
        key.is_some_and(|(_, key)| is(signed.with(key), &mac))
    }
}

fn is(context: hmac::Context, mac: &[u8]) -> bool {
    // In constant time, as `hmac::verify` would compare.
    aws_lc_rs::constant_time::verify_slices_are_equal(context.sign().as_ref(), mac).is_ok()
}

fn written(key_id: &str, mac: &[u8]) -> String {
    let mut text = String::with_capacity(key_id.len() + 44);
    text.push_str(key_id);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(mac, &mut text);
    text
}

/// Key id and MAC; nothing for what is no signature.
pub(super) fn read(signature: &str) -> Option<(&str, [u8; 32])> {
    let (id, mac) = signature.rsplit_once('.')?;
    let mut bytes = [0; 33];
    let length = URL_SAFE_NO_PAD.decode_slice(mac, &mut bytes).ok()?;
    Some((id, bytes[..length].try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(signing: &str, accepted: &[&str]) -> ServiceKeys {
        let secrets = [&[signing], accepted].concat();
        ServiceKeys::derive(secrets.into_iter().map(str::as_bytes))
    }

    fn signed(bytes: &[u8]) -> Signed<'_> {
        Signed {
            source: Service::Tracking,
            topic: Topic::TrackingEvents,
            partition: 0,
            epoch: 1,
            sequence: 7,
            layout: &[9; 32],
            bytes,
        }
    }

    #[test]
    fn a_signature_counts_for_this_message_at_this_place_and_for_nothing_else() {
        let keys = keys("a", &[]);
        let at = signed(b"bytes");
        let signature = keys.sign(&at);
        assert!(keys.verify(&at, &signature));
        for (what, other) in [
            (
                "bytes",
                Signed {
                    bytes: b"byte",
                    ..at
                },
            ),
            ("sequence", Signed { sequence: 8, ..at }),
            ("epoch", Signed { epoch: 99, ..at }),
            ("partition", Signed { partition: 1, ..at }),
            (
                "source",
                Signed {
                    source: Service::Payment,
                    ..at
                },
            ),
            (
                "topic",
                Signed {
                    topic: Topic::PaymentEvents,
                    ..at
                },
            ),
            (
                "layout",
                Signed {
                    layout: &[8; 32],
                    ..at
                },
            ),
        ] {
            assert!(!keys.verify(&other, &signature), "{what}");
        }
        for text in ["", ".", "a.b", &signature[1..], &format!("{signature}A")] {
            assert!(!keys.verify(&at, text), "{text}");
        }
    }

    #[test]
    fn a_key_is_changed_in_three_steps() {
        let at = signed(b"bytes");
        let steps = [
            keys("old", &[]),
            keys("old", &["new"]),
            keys("new", &["old"]),
            keys("new", &[]),
        ];
        for pair in steps.windows(2) {
            for (from, to) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                assert!(to.verify(&at, &from.sign(&at)));
            }
        }
        assert!(!steps[3].verify(&at, &steps[0].sign(&at)));
    }

    /// The vector of `EVENT_DRIVEN_GUIDE.md`: whoever writes a client may try itself on it.
    #[test]
    fn a_producers_signature_is_the_one_that_the_guide_shows() {
        let key = MacKey::new(b"0123456789abcdef0123456789abcdef");
        let bytes = [0x48, 0x69];
        let signature = key.sign_as_producer("k1", "acme-shop", Topic::TrackingCommands, &bytes);
        assert_eq!(signature, "k1.vY5y8HUVSZLQDObAfzbK_q3CyFNZdryhKODBOd-PIiI");
        let guide = include_str!("../../../EVENT_DRIVEN_GUIDE.md");
        assert!(guide.contains(&signature), "the guide shows {signature}");
    }
}
