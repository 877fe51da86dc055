//! The transports between services: by the broker, by HTTP, and within one process for tests.

pub mod consumer;
pub mod history;
pub mod http;
pub(crate) mod internal;
pub mod memory;
mod peers;
pub mod pulsar;
pub mod question;
pub mod receiver;
mod refusal;
pub mod related;
pub mod resend;
mod seniority;
mod silence;
pub mod statistics;
pub mod token;
mod undecodable;
mod unknown_schemas;
pub mod wire;

pub(crate) use peers::MAX_ANSWER_BYTES;
pub use peers::Peers;
