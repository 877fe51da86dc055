//! What messages are signed with: by services when they ship them, by external producers when they send them.

mod keys;
mod producers;

pub use keys::{MacKey, ServiceKeys, Signed};
pub use producers::{MIN_SECRET_LENGTH, Producer, ProducerEntry, ProducerError, Producers};
