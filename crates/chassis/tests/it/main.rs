//! The shell through real HTTP: a small service of one campaign, served on a free port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod app;
mod auth;
mod bodies;
mod cors;
mod documents;
mod key_set;
mod keys;
mod logged;
mod probe;
mod rates;
mod shell;
mod slow;
mod starving;
