//! The envelope: what every message has beside its payload.

use serde::{Deserialize, Serialize};
use types::{BrandId, MAX_CLOCK_SKEW_SECONDS, Micros, PartnerId};
use uuid::Uuid;

use crate::Service;
use crate::kinds::{Body, Outgoing};

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's subject.
    pub subject: String,
    /// The token's roles.
    pub roles: Vec<String>,
    /// The partner that the token speaks for.
    pub partner_id: Option<String>,
    /// The brand that the token speaks for.
    pub brand_id: Option<String>,
}

impl Actor {
    fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether it may act for anyone.
    pub fn is_operator(&self) -> bool {
        self.has("operator")
    }

    /// The partner that it is: an id counts only with its role.
    pub fn partner(&self) -> Option<PartnerId> {
        let id = self.partner_id.as_deref().filter(|_| self.has("partner"));
        PartnerId::parse(id?).ok()
    }

    /// The brand that it is: an id counts only with its role.
    pub fn brand(&self) -> Option<BrandId> {
        let id = self.brand_id.as_deref().filter(|_| self.has("brand"));
        BrandId::parse(id?).ok()
    }

    /// The brand that it speaks for: an operator speaks for none, whatever else it is.
    pub fn shop(&self) -> Option<BrandId> {
        self.brand().filter(|_| !self.is_operator())
    }
}

/// Everything but the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Id of this message.
    pub id: Uuid,
    /// Kind of this message, `type` on the wire.
    pub kind: String,
    /// The service that emitted it.
    pub source: String,
    /// Id of the aggregate that it is about; what parking blocks.
    pub subject: String,
    /// What routes it to a partition.
    pub key: String,
    /// When it was recorded, UTC; never decreases within a source's log.
    pub time: Micros,
    /// Epoch of the source's log.
    pub epoch: Option<i64>,
    /// Position in this source's stream to this topic partition, contiguous from 1; absent only from external
    /// producers of commands.
    pub sequence: Option<i64>,
    /// Id of the original request, kept by everything that it causes.
    pub correlation_id: Uuid,
    /// Id of the message that directly caused this one.
    pub causation_id: Option<Uuid>,
    /// Id of the command whose outcome this is.
    pub outcome_of: Option<Uuid>,
    /// Who asked; none for the system.
    pub actor: Option<Actor>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Header {
    /// Whether it was requested at the bff or at this service's own HTTP surface, by who showed a token there, or is the service's own.
    pub fn is_from_edge_of(&self, service: Service) -> bool {
        [Service::Bff, service]
            .iter()
            .any(|it| it.name() == self.source)
    }

    /// When a command that is handled now was requested, as far as that decides: when a service took it, where that is longer ago than two
    /// clocks may be apart. Else, and for what an external producer wrote, which may claim any time, it is now.
    pub fn requested_at(&self, now: Micros) -> Micros {
        let latest = self.time.checked_add_seconds(MAX_CLOCK_SKEW_SECONDS);
        let waited = latest.is_some_and(|latest| latest < now);
        if waited && Service::parse(&self.source).is_some() {
            self.time
        } else {
            now
        }
    }
}

/// A message, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Everything but the payload.
    pub header: Header,
    /// What it says.
    pub body: Body,
}

/// The record as written, in the schema's order.
#[derive(Serialize)]
#[serde(rename = "Envelope")]
pub(crate) struct EnvelopeOut<'a> {
    id: &'a Uuid,
    r#type: &'a str,
    source: &'a str,
    subject: &'a str,
    key: &'a str,
    time: Micros,
    epoch: Option<i64>,
    sequence: Option<i64>,
    correlationid: &'a Uuid,
    causationid: Option<&'a Uuid>,
    outcomeof: Option<&'a Uuid>,
    actor: Option<&'a Actor>,
    traceparent: Option<&'a str>,
    payload: Outgoing<'a>,
}

impl<'a> EnvelopeOut<'a> {
    pub(crate) fn new(header: &'a Header, payload: Outgoing<'a>) -> Self {
        Self {
            id: &header.id,
            r#type: &header.kind,
            source: &header.source,
            subject: &header.subject,
            key: &header.key,
            time: header.time,
            epoch: header.epoch,
            sequence: header.sequence,
            correlationid: &header.correlation_id,
            causationid: header.causation_id.as_ref(),
            outcomeof: header.outcome_of.as_ref(),
            actor: header.actor.as_ref(),
            traceparent: header.traceparent.as_deref(),
            payload,
        }
    }
}

/// The record as read, by whatever of the payload the reader wants.
#[derive(Deserialize)]
#[serde(rename = "Envelope")]
pub(crate) struct EnvelopeIn<P> {
    id: Uuid,
    r#type: String,
    source: String,
    subject: String,
    key: String,
    time: Micros,
    epoch: Option<i64>,
    sequence: Option<i64>,
    correlationid: Uuid,
    causationid: Option<Uuid>,
    outcomeof: Option<Uuid>,
    actor: Option<Actor>,
    traceparent: Option<String>,
    #[serde(default)]
    payload: P,
}

impl<P> EnvelopeIn<P> {
    pub(crate) fn split(self) -> (Header, P) {
        let header = Header {
            id: self.id,
            kind: self.r#type,
            source: self.source,
            subject: self.subject,
            key: self.key,
            time: self.time,
            epoch: self.epoch,
            sequence: self.sequence,
            correlation_id: self.correlationid,
            causation_id: self.causationid,
            outcome_of: self.outcomeof,
            actor: self.actor,
            traceparent: self.traceparent,
        };
        (header, self.payload)
    }
}
