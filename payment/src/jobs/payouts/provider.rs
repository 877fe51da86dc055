//! What a payout provider can be asked.

use std::future::Future;

use sealing::Details;

use crate::domain::Payout;

/// What a provider says of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// It has it.
    Accepted,
    /// The money has arrived.
    Paid,
    /// It will not pay.
    Failed,
}

/// A definite answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far it is.
    pub state: ProviderState,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What it said beside.
    pub reason: Option<String>,
}

/// What a submission came to, for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The provider has it.
    Taken(Report),
    /// This call was not taken, for this reason. Whether an earlier one was is for a look-up to say.
    Refused(String),
}

/// No definite answer, and why: the payout may or may not have been taken.
pub type Indeterminate = String;

/// A payout provider. What it says of another payout, by its reference or its amount, is no definite answer.
pub trait PayoutProvider: Send + Sync + 'static {
    /// Hands a payout over, with where to. Its id is the reference, never varied: the provider pays it once while it
    /// remembers it.
    fn submit(
        &self,
        payout: &Payout,
        details: &Details,
    ) -> impl Future<Output = Result<Submitted, Indeterminate>> + Send;

    /// Asks about a payout; `None` is a definite "never seen".
    fn lookup(
        &self,
        payout: &Payout,
    ) -> impl Future<Output = Result<Option<Report>, Indeterminate>> + Send;
}
