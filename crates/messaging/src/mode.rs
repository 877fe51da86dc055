//! The modes, and which transport an edge between two of them has.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemas::{Service, Topic};

types::names! {
    /// How a service takes commands and sends events.
    pub enum Mode {
        /// By HTTP only; needs no broker.
        Http = "http",
        /// By Pulsar only.
        Event = "event",
        /// Both.
        Hybrid = "hybrid",
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not a mode.
#[derive(Debug, thiserror::Error)]
#[error("is none of http, event, hybrid")]
pub struct NotAMode;

impl FromStr for Mode {
    type Err = NotAMode;

    fn from_str(text: &str) -> Result<Self, NotAMode> {
        Self::parse(text).ok_or(NotAMode)
    }
}

/// How messages get from one service to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// By the broker.
    Pulsar,
    /// By a POST to the follower.
    Post,
}

/// Everybody's mode, as this process reads it. The bff has none of its own: it sends and follows by whichever transport the
/// other side has, which is what `hybrid` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes(BTreeMap<&'static str, Mode>);

/// An edge without a transport.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{sender} in {sender_mode} mode cannot reach {follower} in {follower_mode} mode: set either to hybrid"
)]
pub struct NoTransport {
    sender: &'static str,
    sender_mode: Mode,
    follower: &'static str,
    follower_mode: Mode,
}

impl Modes {
    /// Modes of the four domain services.
    pub fn new(modes: impl IntoIterator<Item = (Service, Mode)>) -> Self {
        Self(modes.into_iter().map(|(s, m)| (s.name(), m)).collect())
    }

    /// A service's mode.
    pub fn of(&self, service: Service) -> Mode {
        self.0.get(service.name()).copied().unwrap_or(Mode::Hybrid)
    }

    /// The transport from a sender to a follower.
    pub fn edge(&self, sender: Service, follower: Service) -> Result<Edge, NoTransport> {
        match (self.of(sender), self.of(follower)) {
            (Mode::Event, Mode::Http) | (Mode::Http, Mode::Event) => Err(NoTransport {
                sender: sender.name(),
                sender_mode: self.of(sender),
                follower: follower.name(),
                follower_mode: self.of(follower),
            }),
            (Mode::Http, _) | (_, Mode::Http) => Ok(Edge::Post),
            _ => Ok(Edge::Pulsar),
        }
    }

    /// Every edge that has no transport.
    pub fn missing_transports(&self) -> Vec<NoTransport> {
        let mut missing = Vec::new();
        for topic in Topic::ALL {
            for (sender, follower) in edges(topic) {
                missing.extend(self.edge(sender, follower).err());
            }
        }
        missing
    }

    /// Whether a service publishes a topic to the broker.
    pub fn publishes(&self, sender: Service, topic: Topic) -> bool {
        if topic.is_commands() {
            self.of(topic.owner()) != Mode::Http
        } else {
            self.of(sender) != Mode::Http
        }
    }

    /// The topics that a service publishes to the broker.
    pub fn relayed_topics(&self, service: Service) -> Vec<Topic> {
        let published = service.published_topics().into_iter();
        published
            .filter(|topic| self.publishes(service, *topic))
            .collect()
    }

    /// The followers that a service posts a topic to.
    pub fn posts_to(&self, sender: Service, topic: Topic) -> Vec<Service> {
        topic
            .followers()
            .into_iter()
            .filter(|follower| self.edge(sender, *follower) == Ok(Edge::Post))
            .collect()
    }

    /// The topics that a service consumes from the broker.
    pub fn consumes(&self, follower: Service) -> Vec<Topic> {
        follower
            .followed_topics()
            .filter(|topic| {
                if topic.is_commands() {
                    self.of(follower) != Mode::Http
                } else {
                    self.edge(topic.owner(), follower) == Ok(Edge::Pulsar)
                }
            })
            .collect()
    }

    /// Whether anybody needs the broker.
    pub fn need_broker(&self) -> bool {
        Service::with_topics().any(|service| self.of(service) != Mode::Http)
    }
}

/// Who sends a topic to whom.
fn edges(topic: Topic) -> Vec<(Service, Service)> {
    let followers = topic.followers().into_iter();
    followers
        .map(|follower| (topic.publisher(), follower))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mode: Mode) -> Modes {
        Modes::new(Service::with_topics().map(|s| (s, mode)))
    }

    #[test]
    fn http_everywhere_needs_no_broker_and_posts_to_every_follower() {
        let modes = all(Mode::Http);
        assert!(!modes.need_broker());
        assert!(modes.missing_transports().is_empty());
        assert!(modes.consumes(Service::Bff).is_empty());
        let posts = modes.posts_to(Service::Tracking, Topic::TrackingEvents);
        assert_eq!(posts, Topic::TrackingEvents.followers());
        assert!(!modes.publishes(Service::Bff, Topic::TrackingCommands));
    }

    #[test]
    fn event_everywhere_posts_nothing() {
        let modes = all(Mode::Event);
        assert!(modes.missing_transports().is_empty());
        for topic in Topic::ALL {
            assert!(modes.posts_to(topic.owner(), topic).is_empty());
        }
    }

    #[test]
    fn an_event_sender_and_an_http_follower_have_no_transport_and_neither_have_they_the_other_way()
    {
        let modes = Modes::new([
            (Service::Campaign, Mode::Event),
            (Service::Tracking, Mode::Http),
            (Service::Commission, Mode::Event),
            (Service::Payment, Mode::Hybrid),
        ]);
        let missing: Vec<_> = modes
            .missing_transports()
            .iter()
            .map(|no_transport| (no_transport.sender, no_transport.follower))
            .collect();
        assert_eq!(
            missing,
            [("campaign", "tracking"), ("tracking", "commission")]
        );
    }

    #[test]
    fn a_hybrid_sender_posts_only_to_followers_in_http_mode() {
        let modes = Modes::new([
            (Service::Campaign, Mode::Hybrid),
            (Service::Tracking, Mode::Http),
            (Service::Commission, Mode::Hybrid),
            (Service::Payment, Mode::Event),
        ]);
        assert_eq!(
            modes.posts_to(Service::Campaign, Topic::CampaignEvents),
            [Service::Tracking]
        );
        assert!(modes.publishes(Service::Campaign, Topic::CampaignEvents));
        assert_eq!(
            modes.consumes(Service::Commission),
            [Topic::CampaignEvents, Topic::CommissionCommands]
        );
    }
}
