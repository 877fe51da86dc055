//! The messages as whoever sends and receives them sees them.

#![allow(clippy::unwrap_used, reason = "also in what the tests share")]

mod asyncapi;
mod codec;
mod compat;
mod evolution;
mod golden;
mod malformed;
mod samples;
mod table;
