//! What must happen for a fault to show, and which checks of which rule find it.

use mutants::Fault;
use schemas::Service;

/// What happens while the traffic lasts.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// The rule that is broken, and where that shows; none without a fault.
    pub(super) shows: Option<Shows>,
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

/// The checks of a rule that may find a fault, one of which has to; each by its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shows {
    pub(super) rule: u8,
    pub(super) checks: &'static [&'static str],
    /// What is lost is asked for again by who misses it, and a source's audit has that it was sent again: where that has come to its end,
    /// nothing is broken.
    pub(super) heals: bool,
}

/// Checks that fail of a sound build too while something is on its way, since they compare what is at one place with what has
/// come to another; each by its beginning.
pub(super) const WHILE_SOMETHING_MOVES: &[&str] = &[
    "every fact that a service follows",
    "the bff shows",
    "the bff's lists show",
    BEHIND,
    "every command that was answered 2xx is where",
    ANSWERED,
    TAKEN,
    PENDING,
    COMMISSION,
    OWNERS,
    PROVIDER,
    CAUSELESS,
];

const BEHIND: &str = "every follower's watermark";
const ANSWERED: &str = "every command that was answered 2xx has";
const TAKEN: &str = "every command in the bff's log";
const PENDING: &str = "no command is pending";
const COMMISSION: &str = "every commission is what";
const OWNERS: &str = "what each owner has";
const PROVIDER: &str = "what the provider paid";
const CAUSELESS: &str = "every message names a cause";

/// Where it shows that a message was passed over: who follows its stream stays behind.
const LOST: Shows = Shows {
    rule: 2,
    checks: &[BEHIND],
    heals: true,
};
/// Where it shows that a command was handled twice. What the second time cannot be may be in the retry queue.
const COMMAND_TWICE: Shows = Shows {
    rule: 6,
    checks: &[
        "no command has two outcomes",
        "every outcome's command",
        ANSWERED,
        TAKEN,
        PENDING,
    ],
    heals: false,
};
const WRONG_AMOUNT: Shows = Shows {
    rule: 9,
    checks: &[COMMISSION, OWNERS],
    heals: false,
};
const PAID_TWICE: Shows = Shows {
    rule: 9,
    checks: &["no payout stands twice", PROVIDER],
    heals: false,
};

const fn shows(rule: u8, checks: &'static [&'static str]) -> Shows {
    Shows {
        rule,
        checks,
        heals: false,
    }
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
        let broken = |shows| Self {
            shows: Some(shows),
            ..Self::default()
        };
        match fault {
            Fault::AckBeforeCommit | Fault::AckInsideEntry => Self {
                kills: vec![Service::Commission, Service::Payment, Service::Bff],
                ..broken(LOST)
            },
            Fault::LockTakenLast => Self {
                replicas: vec![Service::Tracking, Service::Payment],
                ..broken(shows(9, &["every conversion is attributed once"]))
            },
            Fault::WatermarkIgnored => Self {
                rewinds: true,
                kills: vec![Service::Tracking, Service::Commission],
                ..broken(shows(
                    1,
                    &[
                        "no message stands twice",
                        "nothing that had its effect",
                        "the bff shows",
                        "the bff's lists show",
                    ],
                ))
            },
            Fault::RelayGoesOnAfterError => Self {
                broker: true,
                ..broken(LOST)
            },
            Fault::CursorBeforeAcknowledgement => Self {
                kills: vec![Service::Tracking, Service::Commission, Service::Bff],
                broker: true,
                ..broken(LOST)
            },
            Fault::ClickBeforeCommit => Self {
                kills: vec![Service::Tracking],
                ..broken(shows(2, &["no click is missing"]))
            },
            Fault::SecondSubmitAfterIndeterminate => Self {
                provider: Some("time_out_after"),
                ..broken(PAID_TWICE)
            },
            Fault::EffectBeforeIntent => broken(PAID_TWICE),
            Fault::RefundRoundedPerPart | Fault::FloatInAmount => broken(WRONG_AMOUNT),
            Fault::OrderWithoutBrand => broken(shows(
                9,
                &[
                    "one order of a brand",
                    "no brand's report meets",
                    "a refund that waited",
                ],
            )),
            Fault::SuccessorPassesFailed => broken(shows(4, &["each follower handled"])),
            Fault::EventWithoutCause => broken(shows(10, &[CAUSELESS, "every event's id follows"])),
            Fault::IdFromChance => broken(shows(10, &["every event's id follows"])),
            Fault::SubscriptionCreatedLate => Self {
                late_subscription: true,
                ..broken(LOST)
            },
            Fault::InboxSkipped | Fault::TwinInBatch => broken(COMMAND_TWICE),
            Fault::RetryRowForgotten => broken(shows(6, &[ANSWERED, TAKEN, PENDING])),
            Fault::ProjectionLost => broken(shows(6, &[PENDING])),
        }
    }
}
