//! What must happen for a fault to show, and which rule it breaks.

use mutants::Fault;
use schemas::Service;

/// What happens while the traffic lasts.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// The rule that is broken; none without a fault.
    pub(super) rule: Option<u8>,
    /// Killed in turn, one about each second.
    pub(super) kills: Vec<Service>,
    /// The broker is killed and comes back.
    pub(super) broker: bool,
    /// Relays go back to the beginning.
    pub(super) rewinds: bool,
    /// A second process of these.
    pub(super) replicas: Vec<Service>,
    /// How the payout provider fails.
    pub(super) provider: Option<&'static str>,
    /// Commission's subscription of tracking's events is made anew, late.
    pub(super) late_subscription: bool,
}

impl Scene {
    pub(super) fn of(fault: Option<Fault>) -> Self {
        let Some(fault) = fault else {
            return Self {
                kills: vec![Service::Commission, Service::Payment, Service::Tracking],
                broker: true,
                rewinds: true,
                replicas: vec![Service::Tracking, Service::Payment],
                provider: Some("time_out_after"),
                ..Self::default()
            };
        };
        let broken = |rule| Self {
            rule: Some(rule),
            ..Self::default()
        };
        match fault {
            Fault::AckBeforeCommit | Fault::AckInsideEntry => Self {
                kills: vec![Service::Commission, Service::Payment, Service::Bff],
                ..broken(2)
            },
            Fault::LockTakenLast => Self {
                replicas: vec![Service::Tracking, Service::Payment],
                ..broken(7)
            },
            Fault::WatermarkIgnored => Self {
                rewinds: true,
                kills: vec![Service::Tracking, Service::Commission],
                ..broken(1)
            },
            Fault::RelayGoesOnAfterError => Self {
                broker: true,
                ..broken(2)
            },
            Fault::CursorBeforeAcknowledgement => Self {
                kills: vec![Service::Tracking, Service::Commission, Service::Bff],
                broker: true,
                ..broken(2)
            },
            Fault::ClickBeforeCommit => Self {
                kills: vec![Service::Tracking],
                ..broken(2)
            },
            Fault::SecondSubmitAfterIndeterminate => Self {
                provider: Some("time_out_after"),
                ..broken(9)
            },
            Fault::EffectBeforeIntent
            | Fault::RefundRoundedPerPart
            | Fault::FloatInAmount
            | Fault::OrderWithoutBrand => broken(9),
            Fault::SuccessorPassesFailed => broken(4),
            Fault::EventWithoutCause | Fault::IdFromChance => broken(10),
            Fault::SubscriptionCreatedLate => Self {
                late_subscription: true,
                ..broken(2)
            },
            Fault::InboxSkipped
            | Fault::TwinInBatch
            | Fault::RetryRowForgotten
            | Fault::ProjectionLost => broken(6),
        }
    }
}
