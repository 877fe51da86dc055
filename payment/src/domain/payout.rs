//! A payout on its way out.

use money::{Micros, Money, PartnerId, PayoutId, Uuid};
pub use sealing::Method;

/// How long after the first attempt a submission may be repeated under its reference: providers forget references
/// after a day or more, and a forgotten one would be paid twice. An hour is left for clocks and slow calls.
pub const KEY_LIFETIME_SECONDS: i64 = 23 * 3_600;

/// How far a payout is. `Paid` and `Failed` are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The money is reserved.
    Requested,
    /// The provider is about to be called, or has been: the intent is committed first.
    Submitting,
    /// The provider has taken it.
    Submitted,
    /// Nobody knows whether the provider has it: only look-ups from here.
    Unknown,
    /// The money has arrived.
    Paid,
    /// The money came back.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Submitting,
        Self::Submitted,
        Self::Unknown,
        Self::Paid,
        Self::Failed,
    ];

    /// The name in answers and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Unknown => "unknown",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// One payout. Its id is also its reference at the provider, never varied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Its id.
    pub id: PayoutId,
    /// Whose money it is.
    pub partner: PartnerId,
    /// How much.
    pub amount: Money,
    /// By what road.
    pub method: Method,
    /// Where to, as it may be shown.
    pub masked: String,
    /// How far it is.
    pub status: Status,
    /// How often it was handed to the provider.
    pub attempt: i32,
    /// When it was first handed to the provider: its key's lifetime counts from here.
    pub first_attempt_at: Option<Micros>,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// Why it failed or is unknown.
    pub reason: Option<String>,
    /// When it was asked for.
    pub requested_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// The event that changed it: an answer names it, and any other is stale.
    pub last_event: Uuid,
}

impl Payout {
    /// Whether submitting again under the same reference is still safe at `now`.
    pub fn key_is_alive(&self, now: Micros) -> bool {
        self.first_attempt_at.is_none_or(|first| {
            first
                .checked_add_seconds(KEY_LIFETIME_SECONDS)
                .is_some_and(|end| now < end)
        })
    }
}
