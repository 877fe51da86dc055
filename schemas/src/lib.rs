//! The messages: Avro schemas, Rust types, codec and the table of kinds.
//!
//! `avro/<topic>.avsc` is what is registered with the broker; [`KINDS`] says what travels, who reacts and what it
//! is keyed by; [`encode`] and [`decode`] turn [`Message`]s into bytes and back. Schemas change by trailing nullable
//! additions only.

mod about;
mod asyncapi;
mod build;
mod catalogue;
mod codec;
mod compat;
mod cut;
mod entity;
mod envelope;
mod json;
mod kinds;
mod messages;
mod older;
mod partition;
mod rejections;
mod service;
mod shape;
mod show;
pub mod signature;
pub mod visible;
mod walk;
mod writer;

pub use about::{About, Event, Unreadable, Written};
pub use asyncapi::{asyncapi, asyncapi_page};
pub use build::bound_allocations;
pub use catalogue::{catalogue_markdown, payload_fields};
pub use codec::{DecodeError, EncodeError, MAX_MESSAGE_BYTES, decode, decode_header, encode};
pub use compat::{Break, breaks};
pub use entity::{Entity, Id, LedgerOwner, OfCommand, SealingKeyId};
pub use envelope::{Actor, Header, Message};
pub use json::to_json;
pub use kinds::{
    Body, EditError, Grants, KINDS, Kind, Reach, Record, ends, kind, kind_on, known_names,
};
pub use messages::*;
#[cfg(feature = "testing")]
pub use older::forget;
pub use partition::partition;
pub use rejections::{
    CampaignCode, CommissionCode, DoorCode, EngineCode, NotifyCode, PaymentCode, Rejection,
    RejectionCode, TrackingCode, decision_codes, rejection_code, rejection_codes,
};
pub use service::{Service, Topic};
pub use show::{edit, payload, show, show_payload};
pub use writer::{SchemaError, WriterSchema};
