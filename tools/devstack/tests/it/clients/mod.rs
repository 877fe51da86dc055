//! What stock tools make of the documents and schemas.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(clippy::large_futures, reason = "the client's")]

mod browser;
mod console;
#[allow(dead_code, reason = "notify's tests use the rest")]
pub mod crm;
mod documents;
mod java;
mod python;
mod schemathesis;
#[allow(dead_code, reason = "notify's tests use the rest")]
pub mod smtp;

use crate::walk::until;
