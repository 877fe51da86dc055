//! The hard tests of the road that need no broker: real Postgres, and a small bank as the domain.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is not there has failed the test"
)]

mod archives;
mod balances;
mod bank;
mod effects;
mod groups;
mod hostile;
mod http_road;
mod lab;
mod leading;
mod operating;
mod parking;
mod queues;
mod redriving;
mod replicas;
mod resends;
mod restores;
mod senders;
mod streams;
mod timers;
