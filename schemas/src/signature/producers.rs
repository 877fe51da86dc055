//! External producers: systems of brands, each with keys of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use types::ids;

use super::keys::{MacKey, read};
use crate::envelope::Actor;
use crate::service::{Service, Topic};

/// The shortest secret of a producer, in bytes.
pub const MIN_SECRET_LENGTH: usize = 32;
/// Keys of one producer at once: one to sign with, others while it is changed.
const MAX_KEYS: usize = 4;

/// Somebody else's system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// The `source` of its messages.
    pub name: String,
    /// The brand that it speaks for.
    pub brand: String,
}

impl Producer {
    /// As whom its commands are handled, whatever they say.
    pub fn actor(&self) -> Actor {
        Actor {
            subject: format!("producer:{}", self.name),
            roles: vec!["brand".to_owned()],
            partner_id: None,
            brand_id: Some(self.brand.clone()),
        }
    }
}

/// One key of a producer, written `NAME:BRAND:KEY_ID:SECRET`.
#[derive(Clone, Copy)]
pub struct ProducerEntry<'a> {
    /// The `source` of its messages.
    pub name: &'a str,
    /// The brand that it speaks for.
    pub brand: &'a str,
    /// Distinguishes its keys.
    pub key_id: &'a str,
    /// What it signs with.
    pub secret: &'a str,
}

impl<'a> ProducerEntry<'a> {
    /// Those of `EXTERNAL_PRODUCERS`, one a line or with `;` between them; `None` for what is not of this form. What they
    /// say is not looked at.
    pub fn all(text: &'a str) -> impl Iterator<Item = Option<Self>> {
        let entries = text.split(['\n', ';']).map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries.map(|entry| {
            let parts: Vec<&str> = entry.split(':').collect();
            let [name, brand, key_id, secret] = parts[..] else {
                return None;
            };
            Some(Self {
                name,
                brand,
                key_id,
                secret,
            })
        })
    }
}

impl fmt::Display for ProducerEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            brand,
            key_id,
            secret,
        } = self;
        write!(f, "{name}:{brand}:{key_id}:{secret}")
    }
}

/// What is wrong with one entry of `EXTERNAL_PRODUCERS`. It never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry}: {what}")]
pub struct ProducerError {
    /// Counted from 1.
    pub entry: usize,
    /// What is wrong with it.
    pub what: String,
}

#[derive(Debug)]
struct Known {
    producer: Arc<Producer>,
    keys: HashMap<String, MacKey>,
}

/// The producers that are known, by name.
#[derive(Debug, Default)]
pub struct Producers(HashMap<String, Known>);

impl Producers {
    /// Reads [entries](ProducerEntry), of which one producer may have several. Reports all that is wrong.
    pub fn parse(text: &str) -> Result<Self, Vec<ProducerError>> {
        let mut known = Self::default();
        let mut problems = Vec::new();
        for (index, entry) in ProducerEntry::all(text).enumerate() {
            let malformed = || "is not NAME:BRAND:KEY_ID:SECRET".to_owned();
            if let Err(what) = entry
                .ok_or_else(malformed)
                .and_then(|entry| known.add(entry))
            {
                let entry = index + 1;
                problems.push(ProducerError { entry, what });
            }
        }
        if problems.is_empty() {
            Ok(known)
        } else {
            Err(problems)
        }
    }

    fn add(&mut self, entry: ProducerEntry<'_>) -> Result<(), String> {
        let ProducerEntry {
            name,
            brand,
            key_id,
            secret,
        } = entry;
        for (what, text) in [("name", name), ("brand", brand), ("key id", key_id)] {
            if !ids::is_valid(text) {
                return Err(format!("the {what} {}", ids::InvalidId));
            }
        }
        if Service::parse(name).is_some() {
            return Err(format!("{name} is a service's own name"));
        }
        check_secret(secret)?;
        let producer = || {
            let (name, brand) = (name.to_owned(), brand.to_owned());
            Arc::new(Producer { name, brand })
        };
        let known = self.0.entry(name.to_owned()).or_insert_with(|| Known {
            producer: producer(),
            keys: HashMap::new(),
        });
        if known.producer.brand != brand {
            let other = &known.producer.brand;
            return Err(format!("{name} speaks for {other} already"));
        }
        let key = MacKey::new(secret.as_bytes());
        if known.keys.insert(key_id.to_owned(), key).is_some() {
            return Err(format!("{name} has another key {key_id}"));
        }
        if known.keys.len() > MAX_KEYS {
            return Err(format!("{name} has more than {MAX_KEYS} keys"));
        }
        Ok(())
    }

    /// The producer of that name, if this is its signature.
    pub fn verify(
        &self,
        name: &str,
        topic: Topic,
        bytes: &[u8],
        signature: &str,
    ) -> Option<Arc<Producer>> {
        let (key_id, mac) = read(signature)?;
        let known = self.0.get(name)?;
        let key = known.keys.get(key_id)?;
        key.is_of_producer(name, topic, bytes, &mac)
            .then(|| Arc::clone(&known.producer))
    }
}

fn check_secret(secret: &str) -> Result<(), String> {
    if secret.len() < MIN_SECRET_LENGTH {
        return Err(format!(
            "the secret is too short: at least {MIN_SECRET_LENGTH} bytes are needed"
        ));
    }
    if let Some(why) = variables::guessable(secret) {
        return Err(format!("the secret {why}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn problems(text: &str) -> String {
        let problems = Producers::parse(text).unwrap_err();
        let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
        reported.join("; ")
    }

    #[test]
    fn all_that_is_wrong_with_the_list_is_reported_and_no_secret() {
        let equal = "a".repeat(40);
        for (text, reported) in [
            ("shop", "entry 1: is not NAME:BRAND:KEY_ID:SECRET"),
            ("a b:brand1:k1:S", "entry 1: the name must be 1 to 64"),
            ("shop::k1:S", "entry 1: the brand must be"),
            ("shop:brand1:k.1:S", "entry 1: the key id must be"),
            ("bff:brand1:k1:S", "entry 1: bff is a service's own name"),
            ("shop:brand1:k1:hush", "entry 1: the secret is too short"),
            (
                "shop:b1:k1:S;shop:b2:k2:S",
                "entry 2: shop speaks for b1 already",
            ),
            (
                "shop:b1:k1:S\nshop:b1:k1:S",
                "entry 2: shop has another key k1",
            ),
            ("shop:b1:k1:S:", "entry 1: is not NAME"),
            (
                &format!("shop:b1:k1:{equal}"),
                "entry 1: the secret can be guessed",
            ),
        ] {
            let found = problems(&text.replace(":S", &format!(":{SECRET}")));
            assert!(found.contains(reported), "{text}: {found}");
            assert!(
                !found.contains(SECRET) && !found.contains("hush"),
                "{found}"
            );
        }
        let two = problems("one;two");
        assert!(two.contains("entry 1") && two.contains("entry 2"), "{two}");
    }

    #[test]
    fn a_producer_signs_with_any_of_its_keys_and_with_nobody_elses() {
        let other = SECRET.replace('0', "x");
        let list = format!("shop:b1:k1:{SECRET};shop:b1:k2:{other}\n\nelse:b2:k1:{other}\n");
        let producers = Producers::parse(&list).unwrap();
        let topic = Topic::TrackingCommands;
        let sign = |secret: &str, id: &str, name: &str| {
            MacKey::new(secret.as_bytes()).sign_as_producer(id, name, topic, b"x")
        };
        let who = |name: &str, signature: &str| {
            let found = producers.verify(name, topic, b"x", signature);
            found.map(|producer| producer.brand.clone())
        };
        assert_eq!(
            who("shop", &sign(SECRET, "k1", "shop")).as_deref(),
            Some("b1")
        );
        assert_eq!(
            who("shop", &sign(&other, "k2", "shop")).as_deref(),
            Some("b1")
        );
        assert_eq!(who("shop", &sign(&other, "k1", "shop")), None);
        assert_eq!(who("shop", &sign(&other, "k1", "else")), None);
        assert_eq!(who("else", &sign(SECRET, "k1", "else")), None);
        assert_eq!(who("gone", &sign(SECRET, "k1", "gone")), None);
        let elsewhere = producers.verify(
            "shop",
            Topic::PaymentCommands,
            b"x",
            &sign(SECRET, "k1", "shop"),
        );
        assert_eq!(elsewhere, None);
    }
}
