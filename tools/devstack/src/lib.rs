//! The local stack of a clone: Postgres, the broker and the services. What `start.sh`, `stop.sh` and `./tributary up` call, and what tests
//! of other crates use to start a Postgres server or a Pulsar broker of their own ([`stack`]), or a whole stack ([`local`]).
//!
//! This crate is a tool, not a service: it prints, reads the environment and looks at the clock.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

pub mod binaries;
pub mod command;
pub mod containers;
mod database_page;
pub mod demo;
pub mod down;
pub mod external_producer;
pub mod infra;
pub mod layout;
pub mod local;
pub mod lock;
pub mod logs;
pub mod producers;
pub mod progress;
pub mod provision;
pub mod runs;
pub mod services;
pub mod settings;
pub mod stack;
pub mod status;
pub mod terminal;
pub mod token;
pub mod tools;
pub mod up;
