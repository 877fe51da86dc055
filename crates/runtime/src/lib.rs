//! Joins pipeline and chassis, which do not know each other: how a service starts, takes commands by HTTP, answers them,
//! and says that it is ready.
//!
//! A service's `lib.rs` is a [`Definition`]; its `main.rs` is one call of [`main`].

mod commands;
mod database;
mod definition;
mod documents;
mod followers;
mod operator;
mod password;
mod program;
mod ready;
mod replays;
mod settings;
mod start;
mod submit;
#[cfg(feature = "testing")]
pub mod testing;
mod traces;
mod transports;
mod unread;

pub use definition::{Definition, LeaderJobs, Routes};
pub use documents::{
    BAD_GATEWAY, CampaignRefusals, CommandState, ConversionType, PaymentRefusals, RejectionName,
    SERVICE_UNAVAILABLE, TrackingRefusals,
};
pub use operator::{Operator, Reason};
pub use program::main;
pub use settings::Settings;
pub use start::{Host, Running, start};
pub use submit::{CommandResult, Submit, Waiting, actor, refusal};
pub use unread::unread;
pub use variables::version;
