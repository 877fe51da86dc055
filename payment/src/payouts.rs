//! Paying out: the one place where money leaves.
//!
//! The intent is committed first (`payout.submitting.v1`), the provider knows the payout by its id, and after anything
//! but a definite answer there are only look-ups. It is submitted again only when a look-up says that it was never seen
//! and the provider cannot have forgotten it.

mod command;
mod desk;
mod http_provider;
mod provider;
mod step;

pub use desk::PayoutDesk;
pub use http_provider::HttpProvider;
pub use provider::{Doubt, PayoutProvider, ProviderState, Report, Submission, Submitted};

/// The name of the desk in ids and logs.
const NAME: &str = "payout";
