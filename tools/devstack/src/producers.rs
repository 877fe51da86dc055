//! External producers as the tools are: keys to sign commands with, and `./tributary producer-key`.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use clap::Args;
use pulsar::producer::Message as RawMessage;
use schemas::signature::{MacKey, ProducerEntry, Producers};
use schemas::{Body, Header, Message, Topic};
use types::{Micros, ids};
use uuid::Uuid;

use crate::stack::random_hex;

/// The variable that names those that are known.
pub const VARIABLE: &str = "EXTERNAL_PRODUCERS";
/// Reports to tracking for the demo's brand.
pub const EXTERNAL_PRODUCER: (&str, &str) = ("partner-system", "brand123");
/// Sends the benchmark's purchases.
pub const BENCHMARK: (&str, &str) = ("benchmark", "bench-brand");

/// A new key of a producer, as a line of `EXTERNAL_PRODUCERS`: shown once, kept nowhere.
#[derive(Args, Debug)]
pub struct ProducerKey {
    /// The source that its messages name
    name: String,
    /// The brand that it speaks for
    #[arg(long)]
    brand: String,
    /// Distinguishes its keys while one is changed
    #[arg(long, default_value = "k1")]
    key_id: String,
}

impl ProducerKey {
    /// Prints the line, and what belongs to the producer.
    pub fn run(&self) -> Result<()> {
        let secret = random_hex(32)?;
        let entry = entry((&self.name, &self.brand), &self.key_id, &secret);
        let wrong = |problems: Vec<_>| {
            let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(reported.join("; "))
        };
        Producers::parse(&entry).map_err(wrong)?;
        eprintln!("A line of {VARIABLE}, for campaign, tracking, commission, payment and notify:");
        println!("{entry}");
        eprintln!(
            "For the producer: source {}, key id {}, secret {secret}",
            self.name, self.key_id
        );
        eprintln!(
            "It is kept nowhere. How to sign: EVENT_DRIVEN_GUIDE.md, Publishing from outside."
        );
        Ok(())
    }
}

/// One entry of the variable.
pub fn entry((name, brand): (&str, &str), key_id: &str, secret: &str) -> String {
    let entry = ProducerEntry {
        name,
        brand,
        key_id,
        secret,
    };
    entry.to_string()
}

/// What a local stack has from its first start, for demo and benchmark.
pub fn local() -> Result<String> {
    let made = [EXTERNAL_PRODUCER, BENCHMARK].map(|who| Ok(entry(who, "local", &random_hex(32)?)));
    let made: Result<Vec<String>> = made.into_iter().collect();
    Ok(made?.join(";"))
}

/// A message as somebody writes it who is no service: with no place in a stream, no actor and no cause.
pub fn written(
    id: Uuid,
    source: &str,
    topic: Topic,
    (subject, key): (&str, &str),
    body: Body,
) -> Result<Message> {
    let kind = body.kind(topic).context("a kind of this topic")?.name;
    let header = Header {
        id,
        kind: kind.to_owned(),
        source: source.to_owned(),
        subject: subject.to_owned(),
        key: key.to_owned(),
        time: now()?,
        epoch: None,
        sequence: None,
        correlation_id: id,
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    };
    Ok(Message { header, body })
}

/// The time, in microseconds.
pub fn now() -> Result<Micros> {
    #[expect(
        clippy::disallowed_methods,
        reason = "who sends from outside is an edge"
    )]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Micros(i64::try_from(since.as_micros())?))
}

/// What producers sign with, by name.
#[derive(Clone, Debug, Default)]
pub struct ProducerKeys(HashMap<String, (String, MacKey)>);

impl ProducerKeys {
    /// Those of the variable's entries.
    pub fn of(entries: &str) -> Self {
        let keys = ProducerEntry::all(entries).flatten().map(|entry| {
            let key = MacKey::new(entry.secret.as_bytes());
            (entry.name.to_owned(), (entry.key_id.to_owned(), key))
        });
        Self(keys.collect())
    }

    /// Whether there is a key of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Fails where there is no key of that name, saying what to do.
    pub fn need(&self, (name, brand): (&str, &str)) -> Result<()> {
        debug_assert!(ids::is_valid(name), "a name of ours");
        ensure!(
            self.has(name),
            "{VARIABLE} has no key of {name}: add what ./tributary producer-key {name} --brand {brand} prints"
        );
        Ok(())
    }

    /// A message as this producer signs it.
    pub fn message(&self, name: &str, topic: Topic, payload: Vec<u8>) -> Result<RawMessage> {
        let (key_id, key) = self
            .0
            .get(name)
            .with_context(|| format!("no key of {name}"))?;
        let signature = key.sign_as_producer(key_id, name, topic, &payload);
        Ok(RawMessage {
            payload,
            properties: HashMap::from([("signature".to_owned(), signature)]),
            ..RawMessage::default()
        })
    }
}
