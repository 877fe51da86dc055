//! The services and the topics between them.

use std::fmt;

use crate::kinds::KINDS;

/// A service: who takes commands, emits events and follows others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// The edge for front ends.
    Bff,
    /// Campaigns, terms, enrollments, evidence.
    Campaign,
    /// Links, clicks, conversions.
    Tracking,
    /// Commissions and their holds.
    Commission,
    /// Ledger and payouts.
    Payment,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 5] = [
        Self::Bff,
        Self::Campaign,
        Self::Tracking,
        Self::Commission,
        Self::Payment,
    ];

    /// The name in `source`, in paths and in subscriptions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bff => "bff",
            Self::Campaign => "campaign",
            Self::Tracking => "tracking",
            Self::Commission => "commission",
            Self::Payment => "payment",
        }
    }

    /// The service of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The topic that it takes commands from; the bff takes none.
    pub const fn commands_topic(self) -> Option<Topic> {
        match self {
            Self::Bff => None,
            Self::Campaign => Some(Topic::CampaignCommands),
            Self::Tracking => Some(Topic::TrackingCommands),
            Self::Commission => Some(Topic::CommissionCommands),
            Self::Payment => Some(Topic::PaymentCommands),
        }
    }

    /// The topic that it states its events on; the bff states none.
    pub const fn events_topic(self) -> Option<Topic> {
        match self {
            Self::Bff => None,
            Self::Campaign => Some(Topic::CampaignEvents),
            Self::Tracking => Some(Topic::TrackingEvents),
            Self::Commission => Some(Topic::CommissionEvents),
            Self::Payment => Some(Topic::PaymentEvents),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A topic; its schema is the text that is registered with the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// What campaign is asked.
    CampaignCommands,
    /// What campaign states.
    CampaignEvents,
    /// What tracking is asked.
    TrackingCommands,
    /// What tracking states.
    TrackingEvents,
    /// What commission is asked.
    CommissionCommands,
    /// What commission states.
    CommissionEvents,
    /// What payment is asked.
    PaymentCommands,
    /// What payment states.
    PaymentEvents,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 8] = [
        Self::CampaignCommands,
        Self::CampaignEvents,
        Self::TrackingCommands,
        Self::TrackingEvents,
        Self::CommissionCommands,
        Self::CommissionEvents,
        Self::PaymentCommands,
        Self::PaymentEvents,
    ];

    /// The name, without tenant and namespace.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CampaignCommands => "campaign-commands",
            Self::CampaignEvents => "campaign-events",
            Self::TrackingCommands => "tracking-commands",
            Self::TrackingEvents => "tracking-events",
            Self::CommissionCommands => "commission-commands",
            Self::CommissionEvents => "commission-events",
            Self::PaymentCommands => "payment-commands",
            Self::PaymentEvents => "payment-events",
        }
    }

    /// The topic of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// The schema of this build, letter by letter as it is registered.
    pub const fn avsc(self) -> &'static str {
        match self {
            Self::CampaignCommands => include_str!("../avro/campaign-commands.avsc"),
            Self::CampaignEvents => include_str!("../avro/campaign-events.avsc"),
            Self::TrackingCommands => include_str!("../avro/tracking-commands.avsc"),
            Self::TrackingEvents => include_str!("../avro/tracking-events.avsc"),
            Self::CommissionCommands => include_str!("../avro/commission-commands.avsc"),
            Self::CommissionEvents => include_str!("../avro/commission-events.avsc"),
            Self::PaymentCommands => include_str!("../avro/payment-commands.avsc"),
            Self::PaymentEvents => include_str!("../avro/payment-events.avsc"),
        }
    }

    /// Who takes what is on it (commands) or emits it (events).
    pub const fn owner(self) -> Service {
        match self {
            Self::CampaignCommands | Self::CampaignEvents => Service::Campaign,
            Self::TrackingCommands | Self::TrackingEvents => Service::Tracking,
            Self::CommissionCommands | Self::CommissionEvents => Service::Commission,
            Self::PaymentCommands | Self::PaymentEvents => Service::Payment,
        }
    }

    /// Whether it carries commands.
    pub const fn is_commands(self) -> bool {
        matches!(
            self,
            Self::CampaignCommands
                | Self::TrackingCommands
                | Self::CommissionCommands
                | Self::PaymentCommands
        )
    }

    /// Who subscribes to it: the owner of commands, and of events whoever reacts to one of its kinds.
    pub fn followers(self) -> Vec<Service> {
        Service::ALL
            .into_iter()
            .filter(|service| {
                if self.is_commands() {
                    *service == self.owner()
                } else {
                    KINDS
                        .iter()
                        .any(|kind| kind.topic == self && kind.followers.contains(service))
                }
            })
            .collect()
    }

    /// Who publishes it: the bff sends commands, and whoever owns events states them.
    pub const fn publisher(self) -> Service {
        if self.is_commands() {
            Service::Bff
        } else {
            self.owner()
        }
    }

    /// What a service may do with the topic at the broker.
    pub fn grants(self, service: Service) -> Grants {
        Grants {
            produce: self.publisher() == service,
            consume: self.followers().contains(&service),
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// What a service may do with a topic at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Publish to it.
    pub produce: bool,
    /// Follow it, by a subscription that is named after the service.
    pub consume: bool,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
