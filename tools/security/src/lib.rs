//! What untrusted bytes meet first, as functions of bytes: each decodes, and asserts what must hold of whatever decodes.
//!
//! `fuzz/` runs them under libFuzzer; the corpus that it found runs in the tests of this crate, with mutations.

#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a target that panics has found something"
)]

mod bodies;
mod messages;
mod texts;
mod tokens;

pub use bodies::{body, details};
pub use messages::{PRODUCER, batch, envelope, signed, writer_schema};
pub use texts::{amount, cursor, headers, id, metadata};
pub use tokens::token;

/// A function of untrusted bytes; the value says whether they were taken, so that a test can tell that some are.
pub type Target = fn(&[u8]) -> bool;

/// All of them, by the names of their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("amount", amount),
    ("batch", batch),
    ("body", body),
    ("cursor", cursor),
    ("details", details),
    ("envelope", envelope),
    ("headers", headers),
    ("id", id),
    ("metadata", metadata),
    ("signed", signed),
    ("token", token),
    ("writer_schema", writer_schema),
];
