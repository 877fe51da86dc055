//! Campaign through its real edges: HTTP, its command topic and a real Postgres.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod app;
mod archived;
mod bad_input;
mod command_topic;
mod document;
mod erasing;
mod event_store;
mod evidence;
mod funds;
mod groups;
mod keys;
mod lists;
mod onboarding;
mod overload;
mod ownership;
mod programme;
mod records;
mod repeats;
mod replays;
mod restored;
mod upgrading;
mod walk;
