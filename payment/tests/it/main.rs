//! Payment through its real edges: HTTP, Postgres, facts from commission, and a payout provider in its own process's
//! clothes.
#![allow(clippy::unwrap_used)]

mod app;
mod archived;
mod bad_input;
mod data_keys;
mod decided;
mod document;
mod facts;
mod funds;
mod killed;
mod operator;
mod ownership;
mod paying;
mod proof;
mod provider;
mod provider_faults;
mod sealing_keys;
mod slow_provider;
mod statements;
mod switch;
mod twice;
