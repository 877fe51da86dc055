//! A Postgres server and a Pulsar broker as values: started, stopped, killed and started again.
//!
//! A value that is dropped ends its process; [`Postgres::detach`] and [`Pulsar::detach`] leave it running.

mod account;
mod databases;
mod ports;
mod postgres;
mod process;
mod pulsar;
mod pulsar_files;
pub mod testing;

pub use databases::{database_name, provision_databases};
pub use ports::{check_free, free_port};
pub(crate) use postgres::hex;
pub use postgres::{Postgres, random_hex};
pub use process::{Identity, Process, Signal, last_lines, run, run_visibly};
pub use pulsar::{Pulsar, PulsarPorts};
