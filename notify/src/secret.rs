//! Secrets of endpoints, and signatures with them, as [Standard Webhooks](https://www.standardwebhooks.com) has them.
//!
//! A secret is nowhere but at its owner's: it is made anew each time, of the lasting secret, the endpoint's id and a number.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::lasting::{DerivedKeys, LastingKeys};
use types::Micros;

/// What keeps this use of the lasting secret apart from every other.
const PURPOSE: &[u8] = b"webhook secrets";
/// What every secret begins with.
const START: &str = "whsec_";

/// Makes secrets.
#[derive(Debug)]
pub(crate) struct Secrets(DerivedKeys);

/// Which secrets of an endpoint count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versions {
    /// The one of now.
    pub(crate) current: i32,
    /// Until when that of before does.
    pub(crate) previous_until: Option<Micros>,
}

impl Secrets {
    pub(crate) fn of(keys: &LastingKeys) -> Self {
        Self(keys.derive(PURPOSE))
    }

    /// A secret as its owner is shown it.
    pub(crate) fn shown(&self, endpoint: &str, version: i32) -> String {
        let secret = secret(&self.0.current, endpoint, version);
        format!("{START}{}", STANDARD.encode(secret.as_ref()))
    }

    /// The header `webhook-signature`: one signature for each secret that counts. While the lasting secret changes, what was made of
    /// the one before counts too.
    pub(crate) fn signatures(
        &self,
        endpoint: &str,
        versions: Versions,
        now: Micros,
        (id, timestamp, body): (&str, i64, &str),
    ) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let previous = versions.previous_until.filter(|until| *until > now);
        let previous = previous.and_then(|_| versions.current.checked_sub(1));
        let all = std::iter::once(versions.current).chain(previous);
        let signatures = all.flat_map(|version| {
            self.0.all().map(move |key| {
                let secret = secret(key, endpoint, version);
                hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
            })
        });
        let signatures = signatures.map(|key| {
            let signature = hmac::sign(&key, signed.as_bytes());
            format!("v1,{}", STANDARD.encode(signature.as_ref()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn secret(key: &hmac::Key, endpoint: &str, version: i32) -> hmac::Tag {
    hmac::sign(key, format!("{endpoint}\u{1f}{version}").as_bytes())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn secrets(current: &str, accepted: &[&str]) -> Secrets {
        let secret = |text: &str| SecretString::from(text.repeat(8));
        Secrets::of(&LastingKeys {
            current: secret(current),
            accepted: accepted.iter().map(|text| secret(text)).collect(),
        })
    }

    /// As a receiver does it that knows nothing but its secret.
    fn verifies(secret: &str, header: &str, signed: &str) -> bool {
        let key = STANDARD
            .decode(secret.strip_prefix(START).unwrap())
            .unwrap();
        assert_eq!(key.len(), 32);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        header.split(' ').any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
            hmac::verify(&key, signed.as_bytes(), &tag.unwrap()).is_ok()
        })
    }

    #[test]
    fn a_receiver_verifies_with_the_secret_of_now_and_with_that_of_before_while_it_counts() {
        let ours = secrets("lasting", &[]);
        let message = ("msg", 1_700_000_000, "{}");
        let signed = "msg.1700000000.{}";
        let versions = Versions {
            current: 2,
            previous_until: Some(Micros(10)),
        };
        for (now, before) in [(9, true), (10, false)] {
            let header = ours.signatures("whe_1", versions, Micros(now), message);
            assert!(verifies(&ours.shown("whe_1", 2), &header, signed));
            assert_eq!(verifies(&ours.shown("whe_1", 1), &header, signed), before);
            assert!(!verifies(&ours.shown("whe_1", 3), &header, signed));
            assert!(!verifies(&ours.shown("whe_2", 2), &header, signed));
            assert!(!verifies(
                &ours.shown("whe_1", 2),
                &header,
                "msg.1700000000.{} "
            ));
        }
    }

    #[test]
    fn a_receiver_need_not_change_its_secret_while_the_lasting_secret_changes() {
        let shown = secrets("before", &[]).shown("whe_1", 1);
        let versions = Versions {
            current: 1,
            previous_until: None,
        };
        let changed = secrets("after", &["before"]);
        let header = changed.signatures("whe_1", versions, Micros(0), ("msg", 1, "{}"));
        assert!(verifies(&shown, &header, "msg.1.{}"));
        assert!(verifies(&changed.shown("whe_1", 1), &header, "msg.1.{}"));
    }
}
