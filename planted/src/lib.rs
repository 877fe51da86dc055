//! Faults that are planted on purpose, to see that the drill finds them. Without the feature `on` there are none: every
//! question is answered no while compiling, and nothing of a fault is in the program. With it, in a debug build only, the
//! variable `TRIBUTARY_PLANTED` names the one that stands.

#[cfg(all(feature = "on", not(debug_assertions)))]
compile_error!("faults are planted in debug builds only: build without the feature planted/on");

/// One promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A broker entry is acknowledged as soon as it is in the queue.
    AckBeforeCommit,
    /// An entry is acknowledged when its first message is committed.
    AckInsideEntry,
    /// States are loaded before the writer lock is held.
    LockTakenLast,
    /// A command that was handled before is handled again.
    InboxSkipped,
    /// A message that was handled before is handled again, by whichever road it comes.
    WatermarkIgnored,
    /// After an error the relay goes on with the next entry.
    RelayGoesOnAfterError,
    /// The relay's cursor moves before the broker acknowledged.
    CursorBeforeAcknowledgement,
    /// The provider is asked to pay before it is committed that it will be.
    EffectBeforeIntent,
    /// After doubt a payout is submitted anew.
    SecondSubmitAfterDoubt,
    /// Each refund's part is rounded for itself.
    RefundRoundedPerPart,
    /// What is set aside is not written down.
    ParkedRowForgotten,
    /// A message is handled though one before it of its subject failed.
    SuccessorPassesFailed,
    /// Events do not say what caused them.
    EventWithoutCause,
    /// A commission is computed in floating point.
    FloatInAmount,
    /// A follower's subscription is made after the first messages.
    SubscriptionCreatedLate,
    /// Of two copies in one batch both are handled.
    TwinInBatch,
    /// The bff forgets to write some of what it projects.
    ProjectionLost,
    /// A click is answered before it is committed.
    ClickBeforeCommit,
    /// Each event has an id of its own, whatever caused it.
    IdFromChance,
    /// An order is known by its number, whosesoever it is.
    OrderWithoutBrand,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 20] = [
        Self::AckBeforeCommit,
        Self::AckInsideEntry,
        Self::LockTakenLast,
        Self::InboxSkipped,
        Self::WatermarkIgnored,
        Self::RelayGoesOnAfterError,
        Self::CursorBeforeAcknowledgement,
        Self::EffectBeforeIntent,
        Self::SecondSubmitAfterDoubt,
        Self::RefundRoundedPerPart,
        Self::ParkedRowForgotten,
        Self::SuccessorPassesFailed,
        Self::EventWithoutCause,
        Self::FloatInAmount,
        Self::SubscriptionCreatedLate,
        Self::TwinInBatch,
        Self::ProjectionLost,
        Self::ClickBeforeCommit,
        Self::IdFromChance,
        Self::OrderWithoutBrand,
    ];

    /// As `TRIBUTARY_PLANTED` and `--planted` name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AckBeforeCommit => "ack-before-commit",
            Self::AckInsideEntry => "ack-inside-entry",
            Self::LockTakenLast => "lock-taken-last",
            Self::InboxSkipped => "inbox-skipped",
            Self::WatermarkIgnored => "watermark-ignored",
            Self::RelayGoesOnAfterError => "relay-goes-on-after-error",
            Self::CursorBeforeAcknowledgement => "cursor-before-acknowledgement",
            Self::EffectBeforeIntent => "effect-before-intent",
            Self::SecondSubmitAfterDoubt => "second-submit-after-doubt",
            Self::RefundRoundedPerPart => "refund-rounded-per-part",
            Self::ParkedRowForgotten => "parked-row-forgotten",
            Self::SuccessorPassesFailed => "successor-passes-failed",
            Self::EventWithoutCause => "event-without-cause",
            Self::FloatInAmount => "float-in-amount",
            Self::SubscriptionCreatedLate => "subscription-created-late",
            Self::TwinInBatch => "twin-in-batch",
            Self::ProjectionLost => "projection-lost",
            Self::ClickBeforeCommit => "click-before-commit",
            Self::IdFromChance => "id-from-chance",
            Self::OrderWithoutBrand => "order-without-brand",
        }
    }

    /// The fault of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// Whether this fault is planted here.
#[cfg(not(feature = "on"))]
#[inline]
pub const fn is(_: Fault) -> bool {
    false
}

#[cfg(feature = "on")]
pub use standing::{is, now_and_then};

/// Whether this fault is planted here and strikes this time, as it does every so many times.
#[cfg(not(feature = "on"))]
#[inline]
pub const fn now_and_then(_: Fault, _: u32) -> bool {
    false
}

#[cfg(feature = "on")]
mod standing {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Fault;

    /// Whether this fault is planted here.
    pub fn is(fault: Fault) -> bool {
        static STANDS: OnceLock<Option<Fault>> = OnceLock::new();
        let read = || {
            #[allow(
                clippy::disallowed_methods,
                reason = "it is no setting, and in no release"
            )]
            let name = std::env::var("TRIBUTARY_PLANTED").ok()?;
            Fault::parse(&name)
        };
        *STANDS.get_or_init(read) == Some(fault)
    }

    /// Whether this fault is planted here and strikes this time, as it does every so many times.
    pub fn now_and_then(fault: Fault, every: u32) -> bool {
        static TIMES: AtomicU32 = AtomicU32::new(0);
        is(fault) && TIMES.fetch_add(1, Ordering::Relaxed) % every == every - 1
    }
}

/// So many basis points of an amount, as it must not be: in floating point, and cut.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "that is the fault"
)]
pub fn through_float(minor: i64, basis_points: i64) -> i64 {
    (minor as f64 * (basis_points as f64 / 10_000.0)) as i64
}
