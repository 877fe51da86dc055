//! A message on its way in, from whichever transport, and what became of it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use schemas::{DecodeError, Header, Message, Topic, WriterSchema};
use tokio::sync::oneshot;
use types::ids::{self, MAX_HEADER_TEXT};
use uuid::Uuid;

use crate::stream::StreamId;
use crate::trust::{Sender, Trust, Vouching};

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
    /// A service's fact of which it is not known yet whether anybody wants it ([`crate::Domain::DECODED_LATER`]).
    Undecoded(Claim),
    /// A kind that this build has never heard of: kept for one that knows it.
    UnknownKind(Box<Header>),
    /// A message of a known kind with a value that this build cannot take.
    Unreadable {
        /// What can be read of it.
        header: Box<Header>,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// Not a message at all.
    Malformed {
        /// What is wrong with the bytes.
        reason: String,
        /// The subject that the message's properties name, if they do.
        subject: Option<String>,
        /// What else they say of it, if they name an id.
        claim: Option<Claim>,
    },
}

impl Content {
    /// What is left of a stranger's message: who asked is answered by its header, and its payload may take many times the memory that it
    /// came in.
    fn without_payload(self) -> Self {
        match self {
            Self::Message(message) => Self::Unreadable {
                header: Box::new(message.header),
                reason: OF_NOBODY.to_owned(),
            },
            other => other,
        }
    }
}

/// What the properties of a message that cannot be read say of it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its id.
    pub id: Uuid,
    /// Its kind, of those that are known on the topic.
    pub kind: Option<&'static str>,
    /// The original request's.
    pub correlation_id: Option<Uuid>,
}

impl Claim {
    /// An id and nothing else.
    const fn of(id: Uuid) -> Self {
        Self {
            id,
            kind: None,
            correlation_id: None,
        }
    }
}

/// How the message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// From outside, by Pulsar or HTTP: kinds whose reach is `own` are refused.
    Transport,
    /// Made in this process: an HTTP edge, a job.
    Local,
    /// Out of the retry queue.
    InRetryQueue {
        /// Attempts so far.
        attempts: i32,
        /// Its place in the queue of its aggregate.
        arrival: i64,
        /// When waiting ends, in microseconds.
        deadline: Option<i64>,
        /// How often an operator had changed it when it was read.
        edition: i32,
    },
}

impl Via {
    /// For traces.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Local => "local",
            Self::InRetryQueue { .. } => "parked",
        }
    }
}

/// A message on its way in.
#[derive(Debug)]
pub struct Inbound {
    /// The message's id, or one derived: from its place at the broker when it cannot be read, from what it claims when
    /// nobody known sent it, so that a stranger takes no id that is another's.
    pub id: Uuid,
    /// Who is said to have sent it.
    pub source: String,
    /// Who sent it.
    pub sender: Sender,
    /// It names another actor than its producer's key stands for.
    pub overstated: bool,
    /// It has another subject and key than it came with.
    pub renamed: bool,
    /// The topic that it came by, or would have.
    pub topic: Topic,
    /// Its place in its source's stream; `None` from external producers and from this process.
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
            Content::UnknownKind(header) | Content::Unreadable { header, .. } => Some(header),
            Content::Undecoded(_) | Content::Malformed { .. } => None,
        }
    }

    /// The aggregate that it is about.
    pub fn subject(&self) -> Option<&str> {
        match &self.content {
            Content::Message(message) => Some(&message.header.subject),
            Content::UnknownKind(header) | Content::Unreadable { header, .. } => {
                Some(&header.subject)
            }
            Content::Undecoded(_) => None,
            Content::Malformed { subject, .. } => subject.as_deref(),
        }
    }

    /// Gives an external producer's command the subject that follows from what it says, which is its key too where its kind has one id for
    /// both: before anything is decided, so that what is in the retry queue blocks the right subject.
    pub(crate) fn name_subject(&mut self, subject_of: impl FnOnce(&Message) -> Option<String>) {
        if !matches!(self.sender, Sender::Producer(_)) {
            return;
        }
        // What cannot be read only claims to have its id, its subject and its actor.
        if let Content::Unreadable { reason, .. } = &self.content
            && !matches!(self.via, Via::InRetryQueue { .. })
        {
            let reason = reason.clone();
            self.give_up(&reason);
        }
        if !self.asks() {
            return;
        }
        let is_key = self.kind().is_some_and(|kind| kind.key == kind.subject);
        let Content::Message(message) = &mut self.content else {
            return;
        };
        if let Some(subject) = subject_of(message) {
            let header = &mut message.header;
            let is_named = header.subject == subject && (!is_key || header.key == subject);
            if !is_named {
                if is_key {
                    header.key.clone_from(&subject);
                }
                header.subject = subject;
                self.renamed = true;
            }
        }
        let header = &message.header;
        if header.subject.is_empty() || header.key.is_empty() {
            self.give_up("its header has no subject or no key");
        } else if self.encoded_bytes() > schemas::MAX_MESSAGE_BYTES - MAX_ADDED_LENGTH
            && self.kept().is_none()
        {
            self.give_up("with what follows from its sender it is longer than a message may be");
        }
    }

    /// What is kept of it when it is in the retry queue, so that it is about the same when it is fed back; `None` when it
    /// cannot be written.
    pub fn kept(&self) -> Option<Cow<'_, Wire>> {
        match &self.content {
            Content::Message(message) if self.renamed => {
                written(self.topic, message).map(Cow::Owned)
            }
            _ => self.wire.as_ref().map(Cow::Borrowed),
        }
    }

    /// How large it came as one Avro datum; one that cannot be written counts as the largest.
    pub fn encoded_bytes(&self) -> usize {
        let wire = self.wire.as_ref();
        wire.map_or(schemas::MAX_MESSAGE_BYTES, |wire| wire.bytes.len())
    }

    /// A message made in this process: by an HTTP edge or a job.
    pub fn local(topic: Topic, message: Message, request_hash: Option<Vec<u8>>) -> Self {
        let wire = written(topic, &message);
        Self {
            id: message.header.id,
            source: message.header.source.clone(),
            sender: Sender::Here,
            overstated: false,
            renamed: false,
            topic,
            stream: None,
            content: Content::Message(Box::new(message)),
            wire,
            via: Via::Local,
            request_hash,
        }
    }

    /// Reads a message that came by a transport. `fallback_id` is its identity when the bytes have none, `hint` what the transport's
    /// own properties say, and `vouching` tells who sent it.
    pub fn read(
        topic: Topic,
        partition: i32,
        wire: Wire,
        fallback_id: impl FnOnce() -> Uuid,
        hint: &Hint<'_>,
        vouching: Vouching<'_>,
    ) -> Self {
        let content = if matches!(vouching, Vouching::Signature(_)) && hint.signature.is_none() {
            strangers(topic, &wire, hint)
        } else {
            content(topic, &wire, hint)
        };
        let (id, source, epoch, sequence) = match &content {
            Content::Message(message) => named(&message.header),
            Content::UnknownKind(header) | Content::Unreadable { header, .. } => named(header),
            Content::Undecoded(_) | Content::Malformed { .. } => {
                let source = hint.source.filter(|text| is_storable(text));
                let source = source.unwrap_or_default().to_owned();
                (fallback_id(), source, hint.epoch, hint.sequence)
            }
        };
        let mut inbound = Self::unjudged(topic, id, source, content, wire);
        let place = epoch.zip(sequence).map(|(epoch, sequence)| {
            let stream = StreamId {
                source: inbound.source.clone(),
                epoch,
                topic,
                partition,
            };
            (stream, sequence)
        });
        let sender = match vouching {
            Vouching::Transport(sender) => sender.clone(),
            Vouching::Signature(trust) => {
                let sender = trust.judge(&inbound, place.as_ref(), hint);
                if matches!(sender, Sender::Unknown { .. }) {
                    inbound.content = inbound.content.without_payload();
                }
                sender
            }
        };
        inbound.sent_by(sender, place);
        inbound
    }

    /// What came by a transport, before it is known who sent it.
    fn unjudged(topic: Topic, id: Uuid, source: String, content: Content, wire: Wire) -> Self {
        Self {
            id,
            source,
            sender: Sender::Unknown { answered: false },
            overstated: false,
            renamed: false,
            topic,
            stream: None,
            content,
            wire: Some(wire),
            via: Via::Transport,
            request_hash: None,
        }
    }

    /// A fact that is not decoded before somebody wants it. `None` where it must be, to know what it is: where its properties do not name
    /// it, or the topic's service did not sign it with the place that they name.
    pub(crate) fn undecoded(
        topic: Topic,
        partition: i32,
        wire: &Wire,
        hint: &Hint<'_>,
        trust: &Trust,
    ) -> Option<Self> {
        let source = hint.source.filter(|it| *it == topic.publisher().name())?;
        let claim = Claim {
            id: hint.id?,
            kind: Some(hint.kind_on(topic)?),
            correlation_id: hint.correlation_id,
        };
        let stream = StreamId {
            source: source.to_owned(),
            epoch: hint.epoch?,
            topic,
            partition,
        };
        let place = (stream, hint.sequence?);
        let (id, content) = (claim.id, Content::Undecoded(claim));
        let mut inbound = Self::unjudged(topic, id, source.to_owned(), content, wire.clone());
        let sender = trust.signer(&inbound, Some(&place), hint)?;
        inbound.sent_by(sender, Some(place));
        Some(inbound)
    }

    /// Whether it waits for somebody who wants it.
    pub(crate) fn is_undecoded(&self) -> bool {
        matches!(self.content, Content::Undecoded(_))
    }

    /// Decodes what was not yet.
    pub(crate) fn decode(&mut self) {
        let (Content::Undecoded(claim), Some(wire)) = (&self.content, &self.wire) else {
            return;
        };
        let hint = Hint {
            id: Some(claim.id),
            kind: claim.kind,
            correlation_id: claim.correlation_id,
            ..Hint::default()
        };
        self.content = content(self.topic, wire, &hint);
        if let Some(header) = self.header() {
            self.id = header.id;
        }
    }

    /// When it was stated, as it says; of what is not decoded this reads its header.
    pub(crate) fn time(&self) -> Option<i64> {
        if let (Content::Undecoded(_), Some(wire)) = (&self.content, &self.wire) {
            let header = schemas::decode_header(&wire.schema, &wire.bytes).ok()?;
            return Some(header.time.0);
        }
        Some(self.header()?.time.0)
    }

    /// Takes of a message what follows from who sent it.
    fn sent_by(&mut self, sender: Sender, place: Option<(StreamId, i64)>) {
        match &sender {
            // Only services have streams: anybody else's claim would leave a watermark for ever.
            Sender::Service(service) if service.name() == self.source => self.stream = place,
            Sender::Unknown { .. } => {
                if let Some(claimed) = self.claimed_id() {
                    self.id = self.only_claims(claimed, "stranger");
                }
            }
            Sender::Producer(producer) => {
                let claimed = match &mut self.content {
                    Content::Message(message) => Some(&mut message.header.actor),
                    Content::UnknownKind(header) | Content::Unreadable { header, .. } => {
                        Some(&mut header.actor)
                    }
                    Content::Undecoded(_) | Content::Malformed { .. } => None,
                };
                if let Some(claimed) = claimed {
                    let actor = Some(producer.actor());
                    self.overstated = claimed.is_some() && *claimed != actor;
                    *claimed = actor;
                }
                // Ours are derived from what others may know: handled under one, its message would keep ours from being.
                if self.header().is_some_and(|header| !is_random(header.id)) {
                    self.give_up("its id is no random UUID (version 4 or 7)");
                } else if let Content::Malformed { claim, .. } = &mut self.content {
                    let claimed = claim.get_or_insert(Claim::of(self.id)).id;
                    self.id = self.only_claims(claimed, PRODUCER);
                }
            }
            Sender::Here | Sender::Service(_) => {}
        }
        self.sender = sender;
    }

    /// Under which id a message is answered that only says to have an id: nobody else's, and not that of a stranger who says
    /// the same.
    fn only_claims(&self, claimed: Uuid, who: &str) -> Uuid {
        ids::derive(&[who, &self.source, &claimed.to_string()])
    }

    /// What could be read counts as unreadable all the same.
    fn give_up(&mut self, reason: &str) {
        let Some(header) = self.header() else {
            return;
        };
        let claim = Claim {
            id: header.id,
            kind: schemas::kind_on(self.topic, &header.kind).map(|kind| kind.name),
            correlation_id: Some(header.correlation_id),
        };
        if !matches!(self.via, Via::InRetryQueue { .. }) {
            self.id = self.only_claims(claim.id, PRODUCER);
        }
        self.content = Content::Malformed {
            reason: reason.to_owned(),
            subject: None,
            claim: Some(claim),
        };
    }

    /// The id that the message says it has.
    pub(crate) fn claimed_id(&self) -> Option<Uuid> {
        match &self.content {
            Content::Message(message) => Some(message.header.id),
            Content::UnknownKind(header) | Content::Unreadable { header, .. } => Some(header.id),
            Content::Undecoded(claim) => Some(claim.id),
            Content::Malformed { claim, .. } => claim.as_ref().map(|claim| claim.id),
        }
    }
}

/// A message's id and source, and its place in a stream if it names one.
fn named(header: &Header) -> (Uuid, String, Option<i64>, Option<i64>) {
    (
        header.id,
        header.source.clone(),
        header.epoch,
        header.sequence,
    )
}

/// Of bytes that say nothing: what the properties do.
fn malformed(topic: Topic, hint: &Hint<'_>, reason: String) -> Content {
    Content::Malformed {
        reason,
        subject: hint
            .subject
            .filter(|text| is_storable(text))
            .map(str::to_owned),
        claim: hint.id.map(|id| Claim {
            id,
            kind: hint.kind_on(topic),
            correlation_id: hint.correlation_id,
        }),
    }
}

/// What the bytes of a message that nobody signed say: its payload is not read.
fn strangers(topic: Topic, wire: &Wire, hint: &Hint<'_>) -> Content {
    let header = match schemas::decode_header(&wire.schema, &wire.bytes) {
        Ok(header) => header,
        Err(error) => return malformed(topic, hint, error.to_string()),
    };
    match flaw(&header, may_leave_out(topic, &header)) {
        Some(reason) => malformed(topic, hint, reason),
        None => Content::Unreadable {
            header: Box::new(header),
            reason: OF_NOBODY.to_owned(),
        },
    }
}

/// What the bytes say.
fn content(topic: Topic, wire: &Wire, hint: &Hint<'_>) -> Content {
    let malformed = |reason: String| malformed(topic, hint, reason);
    match schemas::decode(&wire.schema, &wire.bytes) {
        Ok(message) => match flaw(&message.header, may_leave_out(topic, &message.header)) {
            None => Content::Message(Box::new(message)),
            Some(reason) => malformed(reason),
        },
        Err(error) => match (schemas::decode_header(&wire.schema, &wire.bytes), error) {
            (Ok(header), DecodeError::UnknownKind { .. }) => match flaw(&header, false) {
                None => Content::UnknownKind(Box::new(header)),
                Some(reason) => malformed(reason),
            },
            (Ok(header), DecodeError::Unreadable(reason)) => match flaw(&header, false) {
                None => Content::Unreadable {
                    header: Box::new(header),
                    reason,
                },
                Some(reason) => malformed(reason),
            },
            (_, error) => malformed(error.to_string()),
        },
    }
}

/// A message as this build writes it.
fn written(topic: Topic, message: &Message) -> Option<Wire> {
    let bytes = schemas::encode(topic, &message.header, &message.body).ok()?;
    Some(Wire {
        schema: WriterSchema::current(topic),
        bytes: bytes.into(),
    })
}

/// How much longer than it came a message is at most with the actor, subject and key that follow from its sender.
const MAX_ADDED_LENGTH: usize = 8 * MAX_HEADER_TEXT;
/// Why a stranger's payload is not read.
const OF_NOBODY: &str = "nobody known sent it";
/// What the ids of answers to producers' unreadable messages begin with.
const PRODUCER: &str = "producer";
/// The most roles that an actor has.
const MAX_ROLES: usize = 16;

/// Whether a text fits the tables: an external producer's bytes must not be able to fail a transaction.
fn is_storable(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_HEADER_TEXT && !text.chars().any(char::is_control)
}

/// An external producer's command may say no subject and no key: [`Inbound::name_subject`].
fn may_leave_out(topic: Topic, header: &Header) -> bool {
    topic.is_commands() && header.sequence.is_none()
}

/// Whether nobody can know an id before it is seen.
fn is_random(id: Uuid) -> bool {
    matches!(id.get_version_num(), 4 | 7)
}

/// What is wrong with a header's texts. They are copied into tables, and into every message that follows from this one.
/// With `absent`, subject and key may be empty.
fn flaw(header: &Header, absent: bool) -> Option<String> {
    let named = [&header.subject, &header.key];
    let named = named
        .into_iter()
        .filter(|text| !(absent && text.is_empty()));
    let own = [&header.kind, &header.source].into_iter().chain(named);
    let actor = header.actor.iter().flat_map(|actor| {
        let ids = [&actor.partner_id, &actor.brand_id].into_iter().flatten();
        [&actor.subject].into_iter().chain(&actor.roles).chain(ids)
    });
    let texts = own.chain(actor).chain(&header.traceparent);
    let roles = header.actor.as_ref().map_or(0, |actor| actor.roles.len());
    let sound = roles <= MAX_ROLES && texts.into_iter().all(|text| is_storable(text));
    (!sound).then(|| {
        format!("its header has texts that are empty, longer than {MAX_HEADER_TEXT} bytes or with control characters")
    })
}

/// What a transport's own properties say of a message, for when its bytes cannot be read, and what it is signed with.
#[derive(Debug, Default, Clone, Copy)]
pub struct Hint<'a> {
    /// Property `id`.
    pub id: Option<Uuid>,
    /// Property `type`.
    pub kind: Option<&'a str>,
    /// Property `correlationid`.
    pub correlation_id: Option<Uuid>,
    /// Property `signature`.
    pub signature: Option<&'a str>,
    /// Property `source`.
    pub source: Option<&'a str>,
    /// Property `epoch`.
    pub epoch: Option<i64>,
    /// Property `sequence`.
    pub sequence: Option<i64>,
    /// Property `subject`.
    pub subject: Option<&'a str>,
}

impl Hint<'_> {
    /// Its kind, if it is one of the topic's: never a text of a stranger's.
    fn kind_on(&self, topic: Topic) -> Option<&'static str> {
        let kind = schemas::kind_on(topic, self.kind?)?;
        Some(kind.name)
    }
}

/// What became of a message, returned after its transaction committed.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Handled: what happened, for who submitted it in this process; for others empty, since the log has it.
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
    /// Its life goes on in the retry queue.
    InRetryQueue,
    /// Handled before, in this batch or an earlier one: the inbox and the log know the outcome.
    Repeated,
    /// A fact that concerns nobody here.
    Skipped,
    /// Nobody known sent it: it had no effect, and nothing is kept of it.
    Unauthenticated,
    /// The stream has a hole before this message: the sender must start again after `expected - 1`.
    Gap {
        /// Which stream.
        stream: StreamId,
        /// The sequence that must come next.
        expected: i64,
    },
    /// The source's log has another history than the one that was followed: nothing of it is taken until an operator
    /// accepts it.
    Halted {
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
            Self::InRetryQueue => "parked",
            Self::Repeated => "repeated",
            Self::Skipped => "skipped",
            Self::Unauthenticated => "unauthenticated",
            Self::Gap { .. } => "gap",
            Self::Halted { .. } => "stopped",
        }
    }
}

/// Messages that are handled in one transaction and answered together: a broker entry, an HTTP batch, one request.
#[derive(Debug)]
pub struct Item {
    /// In order.
    pub messages: Vec<Inbound>,
    /// Notified after the commit. Nobody may be waiting any more.
    pub done: oneshot::Sender<Vec<Answer>>,
}
