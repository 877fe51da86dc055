//! One side of the proxy: who is at the near end of a connection and what it leads to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use schemas::Service;
use tokio::sync::watch;

/// One process of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId {
    /// The service.
    pub service: Service,
    /// Counts from 1.
    pub number: u8,
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.service.name(), self.number)
    }
}

/// Who opens a link's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The workload.
    Clients,
    /// A process of the stack.
    Replica(ReplicaId),
}

/// What a link's connections lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The one Postgres server.
    Database,
    /// The broker.
    Broker,
    /// The payout provider.
    Provider,
    /// Any living replica of a service.
    Service(Service),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("postgres"),
            Self::Broker => f.write_str("pulsar"),
            Self::Provider => f.write_str("provider"),
            Self::Service(service) => f.write_str(service.name()),
        }
    }
}

/// How a link's connections fare just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Connections of an older one are reset.
    pub generation: u64,
    /// Every chunk waits so long.
    pub delay: Duration,
    /// Nothing passes, and the connections stay open.
    pub stalled: bool,
    /// Chunks are of so many bytes at most, one each five milliseconds. 0: as they come.
    pub trickle: usize,
}

const CLEAR: Weather = Weather {
    generation: 0,
    delay: Duration::ZERO,
    stalled: false,
    trickle: 0,
};

/// A port of our own whose connections go on to a target.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who connects to it.
    pub owner: Owner,
    /// Where it leads.
    pub target: Target,
    /// Our port.
    pub port: u16,
    weather: watch::Sender<Weather>,
    connections: Arc<AtomicU64>,
}

impl Link {
    /// A link in clear weather.
    pub fn new(owner: Owner, target: Target, port: u16) -> Self {
        Self {
            owner,
            target,
            port,
            weather: watch::Sender::new(CLEAR),
            connections: Arc::default(),
        }
    }

    /// Tells of every change.
    pub(super) fn watch(&self) -> watch::Receiver<Weather> {
        self.weather.subscribe()
    }

    /// Counts a new connection; its number decides which replica it goes to first.
    pub(super) fn count(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Resets every connection that is open now.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.generation += 1);
    }

    /// Lets every chunk wait.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Lets nothing pass.
    pub fn stall(&self) {
        self.weather.send_modify(|weather| weather.stalled = true);
    }

    /// Lets only small chunks pass.
    pub fn trickle(&self, bytes: usize) {
        self.weather.send_modify(|weather| weather.trickle = bytes);
    }

    /// Clear again. What was stalled goes on where it stood.
    pub fn clear(&self) {
        self.weather.send_modify(|weather| {
            *weather = Weather {
                generation: weather.generation,
                ..CLEAR
            };
        });
    }
}
