//! A message on its way in, from whichever road, and what became of it.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Header, Message, Service, Topic, WriterSchema};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Which of a source's streams: sequences are contiguous within one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// The emitting service.
    pub source: String,
    /// Raised by a restore of the source's database.
    pub epoch: i64,
    /// The topic.
    pub topic: Topic,
    /// The topic's partition.
    pub partition: i32,
}

/// The bytes as they came and the schema they were written with.
#[derive(Debug, Clone)]
pub struct Wire {
    /// The writer's schema.
    pub schema: Arc<WriterSchema>,
    /// One Avro datum.
    pub bytes: Bytes,
}

/// What the bytes said.
#[derive(Debug)]
pub enum Content {
    /// A message of a known kind.
    Message(Box<Message>),
    /// A kind that this build has never heard of: kept for one that knows it.
    UnknownKind(Box<Header>),
    /// Not a message at all.
    Malformed {
        /// What is wrong with the bytes.
        reason: String,
        /// The subject that the message's properties name, if they do.
        subject: Option<String>,
    },
}

/// How the message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// From outside, by Pulsar or HTTP: kinds whose reach is `own` are refused.
    Road,
    /// Made in this process: an HTTP edge, a timer, an effect.
    Local,
    /// Out of the `parked` table.
    Parked {
        /// Attempts so far.
        attempts: i32,
        /// Its place in the queue of its subject.
        arrival: i64,
        /// When waiting ends, in microseconds.
        deadline: Option<i64>,
        /// How it came at first.
        origin: Origin,
        /// How often an operator had changed it when it was read.
        edition: i32,
    },
}

impl Via {
    /// For traces.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Road => "road",
            Self::Local => "local",
            Self::Parked { .. } => "parked",
        }
    }
}

/// How a message came at first: setting it aside and feeding it back changes nothing about what may be taken from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Made in this process.
    Local,
    /// From outside, without a place in a stream.
    Road,
    /// From outside, with its place in its source's stream.
    Stream,
}

impl Origin {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Road => "road",
            Self::Stream => "stream",
        }
    }

    /// From what is stored.
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "local" => Self::Local,
            "stream" => Self::Stream,
            _ => Self::Road,
        }
    }
}

/// A message on its way in.
#[derive(Debug)]
pub struct Inbound {
    /// The message's id, or one derived from its place at the broker when it cannot be read.
    pub id: Uuid,
    /// Who sent it.
    pub source: String,
    /// The topic that it came by, or would have.
    pub topic: Topic,
    /// Its place in its source's stream; `None` from foreign producers and from this process.
    pub stream: Option<(StreamId, i64)>,
    /// What it says.
    pub content: Content,
    /// What it was read from, or is written as when it was made in this process; `None` when it cannot be written.
    pub wire: Option<Wire>,
    /// How it came.
    pub via: Via,
    /// HMAC of the request that made it, for idempotency keys.
    pub request_hash: Option<Vec<u8>>,
}

impl Inbound {
    /// The message, when it could be read.
    pub fn message(&self) -> Option<&Message> {
        match &self.content {
            Content::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The header, when it could be read.
    pub fn header(&self) -> Option<&Header> {
        match &self.content {
            Content::Message(message) => Some(&message.header),
            Content::UnknownKind(header) => Some(header),
            Content::Malformed { .. } => None,
        }
    }

    /// The aggregate that it is about.
    pub fn subject(&self) -> Option<&str> {
        match &self.content {
            Content::Message(message) => Some(&message.header.subject),
            Content::UnknownKind(header) => Some(&header.subject),
            Content::Malformed { subject, .. } => subject.as_deref(),
        }
    }

    /// How large it is as one Avro datum; one that cannot be written counts as the largest.
    pub fn encoded_bytes(&self) -> usize {
        let wire = self.wire.as_ref();
        wire.map_or(schemas::MAX_MESSAGE_BYTES, |wire| wire.bytes.len())
    }

    /// A message made in this process: by an HTTP edge, a timer or an effect.
    pub fn local(topic: Topic, message: Message, request_hash: Option<Vec<u8>>) -> Self {
        let written = schemas::encode(topic, &message.header, &message.body);
        let wire = written.ok().map(|bytes| Wire {
            schema: WriterSchema::current(topic),
            bytes: bytes.into(),
        });
        Self {
            id: message.header.id,
            source: message.header.source.clone(),
            topic,
            stream: None,
            content: Content::Message(Box::new(message)),
            wire,
            via: Via::Local,
            request_hash,
        }
    }

    /// Reads a message that came by a road. `fallback_id` is its identity when the bytes have none, and `hint` the
    /// subject that the road's own properties name.
    pub fn read(topic: Topic, partition: i32, wire: Wire, fallback_id: Uuid, hint: &Hint) -> Self {
        let malformed = |reason: String| Content::Malformed {
            reason,
            subject: hint.subject.clone().filter(|text| is_storable(text)),
        };
        let content = match schemas::decode(&wire.schema, &wire.bytes) {
            Ok(message) => match flaw(&message.header) {
                None => Content::Message(Box::new(message)),
                Some(reason) => malformed(reason),
            },
            Err(error) => match schemas::decode_header(&wire.schema, &wire.bytes) {
                Ok(header) if matches!(error, schemas::DecodeError::UnknownKind { .. }) => {
                    match flaw(&header) {
                        None => Content::UnknownKind(Box::new(header)),
                        Some(reason) => malformed(reason),
                    }
                }
                _ => malformed(error.to_string()),
            },
        };
        let mut inbound = Self {
            id: fallback_id,
            source: hint
                .source
                .clone()
                .filter(|text| is_storable(text))
                .unwrap_or_default(),
            topic,
            stream: None,
            content,
            wire: Some(wire),
            via: Via::Road,
            request_hash: None,
        };
        let (epoch, sequence) = match inbound.header() {
            Some(header) => {
                let (id, source) = (header.id, header.source.clone());
                let at = (header.epoch, header.sequence);
                inbound.id = id;
                inbound.source = source;
                at
            }
            None => (hint.epoch, hint.sequence),
        };
        // Only services have streams: anybody else's claim would leave a watermark for ever.
        if let (Some(epoch), Some(sequence), Some(_)) =
            (epoch, sequence, Service::parse(&inbound.source))
        {
            let stream = StreamId {
                source: inbound.source.clone(),
                epoch,
                topic,
                partition,
            };
            inbound.stream = Some((stream, sequence));
        }
        inbound
    }
}

/// The longest text of a header, in bytes.
const LONGEST_TEXT: usize = 256;
/// The most roles that an actor has.
const MOST_ROLES: usize = 16;

/// Whether a text fits the tables: foreign bytes must not be able to fail a transaction.
fn is_storable(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

/// What is wrong with a header's texts. They are copied into tables, and into every message that follows from this one.
fn flaw(header: &Header) -> Option<String> {
    let own = [&header.kind, &header.source, &header.subject, &header.key];
    let actor = header.actor.iter().flat_map(|actor| {
        let ids = [&actor.partner_id, &actor.brand_id].into_iter().flatten();
        [&actor.subject].into_iter().chain(&actor.roles).chain(ids)
    });
    let texts = own.into_iter().chain(actor).chain(&header.traceparent);
    let roles = header.actor.as_ref().map_or(0, |actor| actor.roles.len());
    let sound = roles <= MOST_ROLES && texts.into_iter().all(|text| is_storable(text));
    (!sound).then(|| {
        format!("its header has texts that are empty, longer than {LONGEST_TEXT} bytes or with control characters")
    })
}

/// What a road's own properties say of a message, for when its bytes cannot be read.
#[derive(Debug, Default, Clone)]
pub struct Hint {
    /// Property `source`.
    pub source: Option<String>,
    /// Property `epoch`.
    pub epoch: Option<i64>,
    /// Property `sequence`.
    pub sequence: Option<i64>,
    /// Property `subject`.
    pub subject: Option<String>,
}

/// What became of a message, told after its transaction committed.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Handled: what happened.
    Done(Vec<Message>),
    /// A command that was refused, with its code.
    Rejected {
        /// One of the service's closed list.
        code: String,
        /// For the person who asked.
        detail: String,
        /// JSON pointer to the offending field.
        pointer: Option<String>,
    },
    /// Set aside; its life goes on in the `parked` table.
    Parked,
    /// Handled before, in this batch or an earlier one: the inbox and the log know the outcome.
    Repeated,
    /// A fact that concerns nobody here.
    Skipped,
    /// The stream has a hole before this message: the sender must start again after `expected - 1`.
    Gap {
        /// Which stream.
        stream: StreamId,
        /// The sequence that must come next.
        expected: i64,
    },
    /// The source's log has another history than the one that was followed: nothing of it is taken until an operator
    /// accepts it.
    Stopped {
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl Answer {
    /// For metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Rejected { .. } => "rejected",
            Self::Parked => "parked",
            Self::Repeated => "repeated",
            Self::Skipped => "skipped",
            Self::Gap { .. } => "gap",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// Messages that are handled in one transaction and answered together: a broker entry, an HTTP batch, one request.
#[derive(Debug)]
pub struct Item {
    /// In order.
    pub messages: Vec<Inbound>,
    /// Told after the commit. Nobody may be waiting any more.
    pub done: oneshot::Sender<Vec<Answer>>,
}
