//! What a payout provider can be asked.

use std::future::Future;

use sealing::Details;
use types::Money;

use crate::domain::Method;

/// A payout as it is handed to a provider.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The payout's id, never varied: the provider pays it once.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// By which way of paying.
    pub method: Method,
    /// Where to.
    pub details: Details,
}

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

/// A payout provider.
pub trait PayoutProvider: Send + Sync + 'static {
    /// Hands a payout over. Idempotent by reference while the provider remembers it.
    fn submit(
        &self,
        submission: &Submission,
    ) -> impl Future<Output = Result<Submitted, Indeterminate>> + Send;

    /// Asks about a payout; `None` is a definite "never seen".
    fn lookup(
        &self,
        reference: &str,
    ) -> impl Future<Output = Result<Option<Report>, Indeterminate>> + Send;
}
