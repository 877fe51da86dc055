//! A Postgres server and a Pulsar broker as values: started, stopped, killed and started again.
//!
//! A value that is dropped ends its process; [`Postgres::detach`] and [`Pulsar::detach`] leave it running.

mod account;
mod broker_tokens;
mod certificates;
mod command;
mod databases;
mod ports;
mod postgres;
mod postgres_data;
mod process;
mod pulsar;
mod pulsar_files;
mod random;
pub mod testing;

pub use account::memory;
pub use broker_tokens::{ADMIN_ROLE, BrokerTokens};
pub use certificates::{Authority, CertificateFiles, LOOPBACK_NAMES, ServerCertificate, Valid};
pub use command::{last_lines, run, run_visibly};
pub use databases::{connect, database_name, provision_databases};
pub use ports::{Holder, check_free, free_port, holder};
pub use postgres::Postgres;
pub use process::{Identity, Process, Signal, in_session};
pub use pulsar::{BrokerSetup, Pulsar, PulsarPorts, SHORT_LIVED, disk_has_room};
pub use pulsar_files::{FORGET_BOOKIE, SETTINGS as BROKER_SETTINGS, kept_bookie_port};
pub use random::random_hex;
pub use types::hex;
