//! The local stack: what `start.sh`, `stop.sh`, `test.sh` and `./tributary` call, and what tests of other crates
//! use to start a Postgres server or a Pulsar broker of their own ([`stack`]).
//!
//! This crate is a tool, not a service: it prints, reads the environment and looks at the clock.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

pub mod bench;
pub mod check;
pub mod containers;
pub mod demo;
pub mod dependencies;
pub mod down;
pub mod drill;
pub mod foreigner;
pub mod infra;
pub mod layout;
pub mod local;
pub mod lock;
pub mod logs;
pub mod operate;
pub mod planted;
pub mod producers;
pub mod progress;
pub mod provision;
pub mod services;
pub mod settings;
pub mod stack;
pub mod status;
pub mod tail;
pub mod test_run;
pub mod tools;
pub mod up;
