//! The bff through its real HTTP on a real Postgres, with facts delivered as the other services would.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod app;
mod archived;
mod bad_input;
mod commands;
mod csv;
mod documents;
mod erasing;
mod funds;
mod gateway;
mod idempotency;
mod jwt;
mod keys;
mod lists;
mod operator;
mod outages;
mod overload;
mod own_texts;
mod ownership;
mod password;
mod reads;
mod reads_of_programmes;
mod rebuilding;
mod replays;
mod reports;
mod search;
mod secrets;
mod statements;
mod timelines;
mod unsubscribe;
mod waiting;
