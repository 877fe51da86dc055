//! A payout on its way out.

use types::{Micros, Money, PartnerId, PayoutId, Uuid};
pub use types::{PayoutMethod as Method, PayoutStatus as Status};

use super::Answer;

/// How long after the first attempt a submission may be repeated under its reference: providers forget references
/// after a day or more, and a forgotten one would be paid twice. An hour is left for clocks and slow calls.
pub const KEY_LIFETIME_SECONDS: i64 = 23 * 3_600;
/// So long after the first attempt, in microseconds, one that timed out has arrived or never will, if others came since as they do.
const ARRIVED_AFTER: i64 = 600 * 1_000_000;
/// From this attempt on the one before ended a minute ago at least, however long none was made before that: see [`Payout::may_begin_again`].
const APART_FROM: i32 = 9;
/// In microseconds. The pause between two attempts follows their number, and is so long by then.
const APART: i64 = 60 * 1_000_000;

/// So long a step with the provider takes at most, in seconds: it is given up then.
pub const MAX_STEP_SECONDS: i64 = 60;

/// What is done next about a payout, and what may be: one row of its state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transitions {
    /// What the payout worker does about it.
    pub next: Next,
    /// Whether an attempt may begin.
    pub begins: Begins,
    /// The provider's answers that are news. Any other repeats what is known, or comes after the end.
    pub news: &'static [Answer],
}

/// What the payout worker does next about a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// States the intent to submit; the provider hears nothing yet.
    Begin,
    /// Submits it.
    Submit,
    /// Asks the provider how far it is.
    LookUp,
    /// Nothing more: it is final.
    Nothing,
}

/// Whether an attempt to hand a payout over may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// It may.
    Yes,
    /// Where the provider has never seen it, while its key is alive ([`Payout::key_is_alive`]).
    AgainWhileKeyLives,
    /// It may not.
    No,
}

impl Transitions {
    /// The row of a status: the one statement of how a payout goes on, for decider, worker and queries.
    pub const fn of(status: Status) -> Self {
        let (next, begins, news): (Next, Begins, &'static [Answer]) = match status {
            // Only an operator has news of it: that it was paid before the database was restored to when it was not.
            Status::Requested => (Next::Begin, Begins::Yes, &[Answer::Paid, Answer::Failed]),
            Status::Submitting => (Next::Submit, Begins::No, &Answer::ALL),
            Status::Submitted => (Next::LookUp, Begins::No, &[Answer::Paid, Answer::Failed]),
            // An indeterminate answer does not take back what the provider said before, and is no news while the payout is
            // indeterminate.
            Status::Unknown => (
                Next::LookUp,
                Begins::AgainWhileKeyLives,
                &[Answer::Accepted, Answer::Paid, Answer::Failed],
            ),
            Status::Paid | Status::Failed => (Next::Nothing, Begins::No, &[]),
        };
        Self { next, begins, news }
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
    /// By which way of paying.
    pub method: Method,
    /// Where to, as it may be shown.
    pub masked: String,
    /// How far it is.
    pub status: Status,
    /// How often handing it to the provider was begun.
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
    /// Whether operators may say what became of it. The provider's word comes first: of what it has they are asked where it may
    /// have forgotten, and of what it has not yet only while payouts are paused, for so many microseconds, once nothing is on its way to it from before.
    pub fn may_be_decided(&self, paused_for: Option<i64>, now: Micros) -> bool {
        let are_paused = paused_for.is_some();
        match self.status {
            Status::Unknown => true,
            Status::Submitted => are_paused || !self.key_is_alive(now),
            Status::Requested => are_paused,
            Status::Submitting => {
                paused_for.is_some_and(|micros| micros >= MAX_STEP_SECONDS * 1_000_000)
            }
            Status::Paid | Status::Failed => false,
        }
    }

    /// Whether submitting again under the same reference is still safe at `now`.
    pub fn key_is_alive(&self, now: Micros) -> bool {
        self.key_is_alive_from(None, now)
    }

    /// The same where the clock has shown `handed_at` since it was handed to the provider. Where the log was ahead then, or the clock, what is
    /// written is later than that, and the provider forgets by neither.
    pub fn key_is_alive_from(&self, handed_at: Option<Micros>, now: Micros) -> bool {
        self.first_attempt_at.is_none_or(|first| {
            handed_at
                .map_or(first, |at| first.min(at))
                .checked_add_seconds(KEY_LIFETIME_SECONDS)
                .is_some_and(|end| now < end)
        })
    }

    /// Whether another attempt may begin at `now`: also where an operator has it looked up at once, late ones are apart. (What changed after
    /// `now` was changed by a clock that was ahead.)
    pub fn may_begin_again(&self, now: Micros) -> bool {
        self.attempt < APART_FROM - 1 || !(0..APART).contains(&now.micros_since(self.updated_at))
    }

    /// Whether the provider may still be at an earlier submission at `now`, one that was given up here: until it is known what came of
    /// that, the refusal of another is not the last word. It counts from what is written: a clock that was behind has shown times long before it.
    pub fn may_be_on_its_way(&self, now: Micros) -> bool {
        let lately = |first| now.micros_since(first) < ARRIVED_AFTER;
        self.attempt > 1 && (self.attempt < APART_FROM || self.first_attempt_at.is_some_and(lately))
    }
}
