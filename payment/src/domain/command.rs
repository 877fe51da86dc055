//! What payment is asked, and what it is sent.

use schemas::CommissionCalculatedV1;
use types::{BrandId, EarningStatus, Micros, Money, PartnerId, PayoutId, Uuid};

use super::funds::FundsCommand;
use super::{Cause, Counted, Method};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The system itself: its jobs. It never asks for a payout.
    System,
    /// An operator may ask on behalf of anyone.
    Operator,
    /// A partner, for its own money.
    Partner(PartnerId),
    /// Anyone else.
    Other,
}

/// What a decision may know beside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Our time.
    pub now: Micros,
    /// The message that is handled: ids derive from it.
    pub cause: Uuid,
    /// Who asks.
    pub actor: Actor,
    /// The brand that it speaks for.
    pub brand: Option<BrandId>,
}

types::names! {
    /// What the provider said about a payout.
    pub enum Answer {
        /// It has it, the money is on its way.
        Accepted = "accepted",
        /// The money has arrived.
        Paid = "paid",
        /// It will not pay.
        Failed = "failed",
        /// No definite answer.
        Unknown = "unknown",
    }
}

/// What a partner asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutRequest {
    /// The new payout.
    pub payout: PayoutId,
    /// Whose money.
    pub partner: PartnerId,
    /// How much.
    pub amount: Money,
    /// By which way of paying.
    pub method: Method,
    /// Where to, as it may be shown.
    pub masked: String,
    /// Whether payment could open what was sealed to it.
    pub details_open: bool,
}

/// A payout as whoever asks last saw it: what was found out about an earlier step says nothing about a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutAt {
    /// Which.
    pub payout: PayoutId,
    /// Whose money.
    pub partner: PartnerId,
    /// The event that had brought it there.
    pub after: Uuid,
}

/// What payment can be asked. Amounts are of a known currency; that they are positive is decided, not assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A partner asks for its money.
    RequestPayout(PayoutRequest),
    /// The payout worker is about to call the provider, or to call it again because it was never seen there.
    BeginPayout(PayoutAt),
    /// What the provider said.
    RecordPayoutAnswer {
        /// Of which.
        at: PayoutAt,
        /// What.
        answer: Answer,
        /// The provider's own reference.
        provider_ref: Option<String>,
        /// What it said beside, or why nothing is known.
        reason: Option<String>,
    },
    /// What becomes of a brand's money.
    Funds(FundsCommand),
    /// A partner's statement of a month.
    IssueStatement(Counted),
}

schemas::events! {
    /// What commission states. It cannot be refused.
    pub enum Fact {
        /// A conversion earns.
        Calculated(CommissionCalculatedV1),
        /// A hold is over.
        Approved(CommissionApprovedV1),
        /// A refund takes back its part.
        Reversed(CommissionReversedV1),
    }
}

impl Fact {
    /// Which fact it is.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Calculated(_) => Cause::Calculated,
            Self::Approved(_) => Cause::Approved,
            Self::Reversed(_) => Cause::Reversed,
        }
    }
}

/// Where the money of a new commission stands: anything but approved at once is held.
pub fn status_of(calculated: &CommissionCalculatedV1) -> EarningStatus {
    if calculated.status == "approved" {
        EarningStatus::Payable
    } else {
        EarningStatus::Pending
    }
}
