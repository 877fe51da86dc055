//! Who a message is from. It is judged once, when the message is read, by what the message is signed with: its envelope
//! only claims.

mod budget;

use std::sync::Arc;

use schemas::signature::{Producer, Producers, ServiceKeys, Signed};
use schemas::{Service, Topic};
use secrecy::ExposeSecret;

use crate::inbound::{Hint, Inbound};
use crate::stream::StreamId;
use crate::transport::internal::InternalKey;
pub(crate) use budget::Allowance;
use budget::Budget;

/// Who a message is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// This process: an HTTP edge, a job.
    Here,
    /// A service that signed it, or that sent it with a token of its own.
    Service(Service),
    /// Somebody else's system, which signed it with its key.
    Producer(Arc<Producer>),
    /// Nobody that is known. `answered`: an event refuses it.
    Unknown {
        /// Only so many are answered in a second.
        answered: bool,
    },
}

impl Sender {
    /// As stored with a message that is in the retry queue.
    pub fn origin(&self) -> String {
        match self {
            Self::Here => "local".to_owned(),
            Self::Service(_) => "stream".to_owned(),
            Self::Producer(producer) => format!("producer:{}:{}", producer.name, producer.brand),
            Self::Unknown { .. } => "unknown".to_owned(),
        }
    }

    /// From what is stored: `source` is the message's. What went to the retry queue before messages were signed, and came
    /// without a place in a stream, is of nobody that is known.
    pub fn stored(origin: &str, source: &str) -> Self {
        let unknown = Self::Unknown { answered: true };
        if let Some((name, brand)) = origin
            .strip_prefix("producer:")
            .and_then(|rest| rest.split_once(':'))
        {
            return Self::Producer(Arc::new(Producer {
                name: name.to_owned(),
                brand: brand.to_owned(),
            }));
        }
        match origin {
            "local" => Self::Here,
            "stream" => Service::parse(source).map_or(unknown, Self::Service),
            _ => unknown,
        }
    }
}

/// Who vouches for what is read.
#[derive(Debug, Clone, Copy)]
pub enum Vouching<'a> {
    /// What the message is signed with.
    Signature(&'a Trust),
    /// The transport that it came by.
    Transport(&'a Sender),
}

/// What messages are signed with here, and whose signatures count.
#[derive(Clone)]
pub struct Trust(Arc<Inner>);

struct Inner {
    services: ServiceKeys,
    producers: Producers,
    answers: Budget,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust(..)")
    }
}

impl Trust {
    /// With the services' own key, and the keys of others.
    pub fn new(key: &InternalKey, producers: Producers) -> Self {
        Self(Arc::new(Inner {
            services: ServiceKeys::derive(
                key.secrets()
                    .map(|secret| secret.expose_secret().as_bytes()),
            ),
            producers,
            answers: Budget::default(),
        }))
    }

    /// A service's signature of what it ships.
    pub fn sign(&self, signed: &Signed<'_>) -> String {
        self.0.services.sign(signed)
    }

    /// Who signed what was read; `stream` is the place that it claims.
    pub(crate) fn judge(
        &self,
        inbound: &Inbound,
        stream: Option<&(StreamId, i64)>,
        hint: &Hint<'_>,
    ) -> Sender {
        let sender = self.signer(inbound, stream, hint);
        sender.unwrap_or_else(|| {
            let topic = inbound.topic;
            metrics::counter!("tributary_unauthenticated_messages_total", "topic" => topic.name())
                .increment(1);
            let logged = topic.is_commands() && Service::parse(&inbound.source).is_none();
            let answered = logged && inbound.claimed_id().is_some() && self.0.answers.take();
            self.0.answers.log(topic, &inbound.source);
            Sender::Unknown { answered }
        })
    }

    /// Who signed it, if anybody who is known did.
    pub(crate) fn signer(
        &self,
        inbound: &Inbound,
        stream: Option<&(StreamId, i64)>,
        hint: &Hint<'_>,
    ) -> Option<Sender> {
        let signature = hint.signature?;
        let wire = inbound.wire.as_ref()?;
        let topic = inbound.topic;
        let Some(service) = Service::parse(&inbound.source) else {
            let asks = topic.is_commands();
            let producers = &self.0.producers;
            let found = producers.verify(&inbound.source, topic, &wire.bytes, signature);
            return found.filter(|_| asks).map(Sender::Producer);
        };
        let (stream, sequence) = stream?;
        let signed = Signed {
            source: service,
            topic,
            partition: stream.partition,
            epoch: stream.epoch,
            sequence: *sequence,
            layout: wire.schema.layout(),
            bytes: &wire.bytes,
        };
        let services = &self.0.services;
        services
            .verify(&signed, signature)
            .then_some(Sender::Service(service))
    }
}

/// There from the start, so that the first one is seen as a change.
pub fn count_from_zero(topic: Topic) {
    metrics::counter!("tributary_unauthenticated_messages_total", "topic" => topic.name())
        .increment(0);
}
