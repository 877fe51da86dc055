//! What payment is asked and told.

use money::{BrandId, ConversionId, Micros, Money, PartnerId, PayoutId, Uuid};

use super::{Cause, Method};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The system itself: effects and timers. It never asks for a payout.
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
}

/// What the provider said about a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it, the money is on its way.
    Accepted,
    /// The money has arrived.
    Paid,
    /// It will not pay.
    Failed,
    /// No definite answer.
    Unknown,
}

impl Answer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Paid, Self::Failed, Self::Unknown];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The answer of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
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
    /// By what road.
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
    /// The payout effect is about to call the provider, or to call it again because it was never seen there.
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
}

/// Where a commission's money stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On hold.
    Pending,
    /// Earned for good.
    Payable,
}

/// What commission states. It cannot be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A conversion earns.
    Calculated {
        /// The commission's conversion.
        conversion: ConversionId,
        /// Who earns.
        partner: PartnerId,
        /// Who pays.
        brand: BrandId,
        /// How much.
        amount: Money,
        /// Where it goes.
        standing: Standing,
    },
    /// A hold is over.
    Approved {
        /// The commission's conversion.
        conversion: ConversionId,
        /// Who earns.
        partner: PartnerId,
        /// Who pays.
        brand: BrandId,
        /// How much.
        amount: Money,
    },
    /// A refund takes back its part.
    Reversed {
        /// The commission's conversion.
        conversion: ConversionId,
        /// Who had earned.
        partner: PartnerId,
        /// Who gets it back.
        brand: BrandId,
        /// How much.
        amount: Money,
        /// Where it stood.
        standing: Standing,
    },
}

impl Fact {
    /// Which fact it is.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Calculated { .. } => Cause::Calculated,
            Self::Approved { .. } => Cause::Approved,
            Self::Reversed { .. } => Cause::Reversed,
        }
    }
}
