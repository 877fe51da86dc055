//! Commission through its real edges: facts delivered as relays deliver them, a real Postgres, real HTTP.

#![allow(clippy::unwrap_used, reason = "what is not there has failed the test")]

mod app;
mod bad_input;
mod earning;
mod holding;
mod lists;
mod refunding;
mod replay;
