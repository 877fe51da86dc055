//! The services and the topics between them.

use std::fmt;

/// States the services: name, port and topics of each, once.
macro_rules! services {
    ($(#[doc = $about:literal] $service:ident = $name:literal, $port:literal $(, $commands:ident, $events:ident)?;)+) => {
        /// A service: who takes commands, emits events and follows others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Service {
            $(#[doc = $about] $service,)+
        }

        impl Service {
            /// Every service, senders before their followers but for the bff, which comes first.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$service),+];

            /// The name in `source`, in paths and in subscriptions.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$service => $name,)+
                }
            }

            /// The port that it listens on where nothing else is configured.
            pub const fn port(self) -> u16 {
                match self {
                    $(Self::$service => $port,)+
                }
            }

            /// What it is for, as a sentence.
            pub fn about(self) -> &'static str {
                let about = match self {
                    $(Self::$service => $about,)+
                };
                about.trim_start()
            }

            /// The topic that it takes commands from, if it takes any.
            pub const fn commands_topic(self) -> Option<Topic> {
                match self {
                    $($(Self::$service => Some(Topic::$commands),)?)+
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            /// The topic that it states its events on, if it states any.
            pub const fn events_topic(self) -> Option<Topic> {
                match self {
                    $($(Self::$service => Some(Topic::$events),)?)+
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }
        }

        /// A topic; its schema is the text that is registered with the broker.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Topic {
            $($(
                #[doc = concat!("What ", $name, " is asked.")] $commands,
                #[doc = concat!("What ", $name, " states.")] $events,
            )?)+
        }

        impl Topic {
            /// Every topic.
            pub const ALL: [Self; [$($(stringify!($commands), stringify!($events),)?)+].len()] =
                [$($(Self::$commands, Self::$events,)?)+];

            /// The name, without tenant and namespace.
            pub const fn name(self) -> &'static str {
                match self {
                    $($(
                        Self::$commands => concat!($name, "-commands"),
                        Self::$events => concat!($name, "-events"),
                    )?)+
                }
            }

            /// The schema of this build, letter by letter as it is registered.
            pub const fn avsc(self) -> &'static str {
                match self {
                    $($(
                        Self::$commands => include_str!(concat!("../avro/", $name, "-commands.avsc")),
                        Self::$events => include_str!(concat!("../avro/", $name, "-events.avsc")),
                    )?)+
                }
            }

            /// Who takes what is on it (commands) or emits it (events).
            pub const fn owner(self) -> Service {
                match self {
                    $($(Self::$commands | Self::$events => Service::$service,)?)+
                }
            }

            /// Whether it carries commands.
            pub const fn is_commands(self) -> bool {
                match self {
                    $($(
                        Self::$commands => true,
                        Self::$events => false,
                    )?)+
                }
            }
        }
    };
}

services! {
    /// The edge for front ends: sends commands, follows every event.
    Bff = "bff", 8002;
    /// Campaigns, terms, enrollments, evidence.
    Campaign = "campaign", 8003, CampaignCommands, CampaignEvents;
    /// Links, clicks, conversions and whose they are.
    Tracking = "tracking", 8000, TrackingCommands, TrackingEvents;
    /// Commissions, their holds and reversals.
    Commission = "commission", 8001, CommissionCommands, CommissionEvents;
    /// The ledger and payouts.
    Payment = "payment", 8004, PaymentCommands, PaymentEvents;
    /// Webhooks to the systems of brands and partners, and mail to their people, about what happened.
    Notify = "notify", 8005, NotifyCommands, NotifyEvents;
}

impl Service {
    /// The service of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The topics that it publishes: its events, or for the bff everybody's commands.
    pub fn published_topics(self) -> Vec<Topic> {
        let all = Topic::ALL.into_iter();
        all.filter(|topic| topic.publisher() == self).collect()
    }

    /// All but this one.
    pub fn others(self) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |other| *other != self)
    }

    /// Those with topics of their own, which have a mode too.
    pub fn with_topics() -> impl DoubleEndedIterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(|service| service.commands_topic().is_some())
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Topic {
    /// The topic of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Who publishes it: the bff sends commands, and whoever owns events states them.
    pub const fn publisher(self) -> Service {
        if self.is_commands() {
            Service::Bff
        } else {
            self.owner()
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
