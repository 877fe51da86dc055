//! The bff through its real HTTP on a real Postgres, with facts delivered as the other services would.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod app;
mod intake;
