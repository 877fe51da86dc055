//! The hard tests of messaging that need no broker: real Postgres, and a small bank as the domain.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is not there has failed the test"
)]

mod archives;
mod backpressure;
mod balances;
mod bank;
mod begun;
mod figures;
mod groups;
mod http_transport;
mod jobs;
mod lab;
mod leading;
mod malformed;
mod operating;
mod partitions;
mod queues;
mod redriving;
mod related;
mod relaying;
mod replicas;
mod resends;
mod restores;
mod retry_queue;
mod schemas_of_others;
mod senders;
mod silent;
mod streams;
