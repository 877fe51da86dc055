//! Bytes to messages and back: apache-avro's reusable datum writers and readers, by way of serde.

use std::borrow::Cow;

use apache_avro::error::Details;
use serde::de::DeserializeOwned;

use crate::build::build;
use crate::cut::cut;
use crate::envelope::{EnvelopeIn, EnvelopeOut, Header, Message};
use crate::kinds::{Body, Outgoing, Payload, kind_on, payload};
use crate::older;
use crate::service::Topic;
use crate::shape::Shape;
use crate::walk::{Flaw, place, project, skip};
use crate::writer::WriterSchema;

/// The longest message that is taken or made, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Why a message cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The payload has no field on the topic, or the header's `type` says something else.
    #[error("the payload is no {kind} of {topic}")]
    TypeMismatch {
        /// The header's `type`.
        kind: String,
        /// The topic that was asked for.
        topic: Topic,
    },
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("{bytes} bytes are more than a message may have")]
    TooLong {
        /// How long it came out.
        bytes: usize,
    },
    /// The schema and the types disagree: a bug that the golden samples find.
    #[error("cannot be written: {0}")]
    Schema(String),
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not one datum of the writer's schema.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A whole message of a kind that this build has never heard of; its header can be read.
    #[error("unknown kind {kind}")]
    UnknownKind {
        /// Its `type`, cut to a bounded length.
        kind: String,
    },
    /// A whole message of a known kind whose payload has a value that this build cannot take: an id of no form, a currency
    /// of a later build. Its header can be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// The payload's field is another kind's than `type` says.
    #[error("type says {kind}, the payload {field}")]
    TypeMismatch {
        /// Its `type`.
        kind: String,
        /// The field that is set.
        field: &'static str,
    },
}

/// Encodes a message with this build's own schema of the topic.
pub fn encode(topic: Topic, header: &Header, body: &Body) -> Result<Vec<u8>, EncodeError> {
    if body.kind(topic).is_none_or(|kind| kind.name != header.kind) {
        return Err(EncodeError::TypeMismatch {
            kind: cut(&header.kind),
            topic,
        });
    }
    let mut bytes = Vec::with_capacity(512);
    let envelope = EnvelopeOut::new(header, Outgoing { topic, body });
    build(topic)
        .writer
        .write_ser(&mut bytes, &envelope)
        .map_err(|error| EncodeError::Schema(cut(&error)))?;
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(EncodeError::TooLong { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Decodes one message, whole: bytes left over are an error.
pub fn decode(schema: &WriterSchema, bytes: &[u8]) -> Result<Message, DecodeError> {
    match schema.topic() {
        Topic::CampaignCommands => read_message::<payload::CampaignCommands>(schema, bytes),
        Topic::CampaignEvents => read_message::<payload::CampaignEvents>(schema, bytes),
        Topic::TrackingCommands => read_message::<payload::TrackingCommands>(schema, bytes),
        Topic::TrackingEvents => read_message::<payload::TrackingEvents>(schema, bytes),
        Topic::CommissionCommands => read_message::<payload::CommissionCommands>(schema, bytes),
        Topic::CommissionEvents => read_message::<payload::CommissionEvents>(schema, bytes),
        Topic::PaymentCommands => read_message::<payload::PaymentCommands>(schema, bytes),
        Topic::PaymentEvents => read_message::<payload::PaymentEvents>(schema, bytes),
        Topic::NotifyCommands => read_message::<payload::NotifyCommands>(schema, bytes),
        Topic::NotifyEvents => read_message::<payload::NotifyEvents>(schema, bytes),
    }
}

/// Decodes everything but the payload, which must still be a whole one, of whatever kind.
pub fn decode_header(schema: &WriterSchema, bytes: &[u8]) -> Result<Header, DecodeError> {
    let build = build(schema.topic());
    let known = known_part(schema, &build.header_shape, bytes)?;
    let read: Result<EnvelopeIn<()>, _> = build.header_reader.read_deser(&mut &*known);
    let envelope = read.map_err(|error| DecodeError::Malformed(cut(&error)))?;
    Ok(envelope.split().0)
}

fn read_message<P: Payload + DeserializeOwned + Default>(
    schema: &WriterSchema,
    bytes: &[u8],
) -> Result<Message, DecodeError> {
    let build = build(schema.topic());
    let known = known_part(schema, &build.shape, bytes)?;
    let mut rest = &*known;
    let read: Result<EnvelopeIn<P>, _> = build.reader.read_deser(&mut rest);
    let envelope = match read {
        Ok(envelope) => envelope,
        Err(error) => {
            decode_header(schema, bytes)?;
            let place = || place(&build.shape, &known, rest.len());
            return Err(unreadable(error.details(), place));
        }
    };
    let (header, payload) = envelope.split();
    let mut set = payload.set_fields();
    if older::forgot(&header.kind) {
        set.clear();
    }
    let known = kind_on(schema.topic(), &header.kind);
    match (known, set.pop(), set.is_empty()) {
        (_, _, false) => Err(DecodeError::Malformed(
            "more than one field of the payload is set".into(),
        )),
        (_, None, true) => Err(DecodeError::UnknownKind {
            kind: cut(&header.kind),
        }),
        (Some(kind), Some((field, body)), true) if kind.field == field => {
            Ok(Message { header, body })
        }
        (_, Some((field, _)), true) => Err(DecodeError::TypeMismatch {
            kind: cut(&header.kind),
            field,
        }),
    }
}

/// Why a sound datum cannot be read: when it is for a value, with its place.
fn unreadable(why: &Details, place: impl FnOnce() -> String) -> DecodeError {
    match why {
        Details::DeserializeValue(why) => {
            DecodeError::Unreadable(cut(&format_args!("{}: {why}", place())))
        }
        why => DecodeError::Malformed(cut(why)),
    }
}

/// What a reader knows of a whole datum, as the reader has it. From here on the bytes are known to be sound.
fn known_part<'a>(
    schema: &WriterSchema,
    reader: &Shape,
    bytes: &'a [u8],
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let flaw = |flaw: Flaw| DecodeError::Malformed(flaw.into());
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(flaw("longer than a message may be"));
    }
    let mut rest = bytes;
    let known = if std::ptr::eq(schema.shape(), reader) {
        skip(reader, &mut rest).map_err(flaw)?;
        Cow::Borrowed(bytes)
    } else {
        let mut known = Vec::with_capacity(bytes.len());
        project(schema.shape(), reader, &mut rest, &mut known).map_err(flaw)?;
        Cow::Owned(known)
    };
    if rest.is_empty() {
        Ok(known)
    } else {
        Err(flaw("bytes left over"))
    }
}
