//! Paying out: the one place where money leaves.
//!
//! The intent is committed first (`payout.submitting.v1`), the provider knows the payout by its id, and after anything
//! but a definite answer there are only look-ups. It is submitted again only when a look-up says that it was never seen
//! and the provider cannot have forgotten it.

mod command;
mod http_provider;
mod provider;
mod step;
mod worker;

pub use http_provider::HttpProvider;
pub use provider::{Indeterminate, PayoutProvider, ProviderState, Report, Submitted};
pub use worker::PayoutWorker;

/// The name of the worker in ids and logs.
const NAME: &str = "payout";
