//! What a running service is to its routes.

use std::sync::Arc;

use chassis::http::Limits;
use messaging::clock::Looked;
use messaging::identity::Guard;
use messaging::transport::Peers;
use messaging::transport::http::HttpTransport;
use messaging::{FlowSender, Health, Modes, SchemaIds, Tasks, Writer};
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::watch;

/// A running service, as its routes see it.
#[derive(Clone)]
pub struct Host(Arc<Parts>);

/// What a start puts together for it.
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    pub(crate) bare_pool: PgPool,
    pub(crate) guard: Guard,
    pub(crate) writer: Writer,
    pub(crate) flow: FlowSender,
    pub(crate) committed: Arc<watch::Sender<i64>>,
    pub(crate) looked: Arc<watch::Sender<Looked>>,
    pub(crate) health: Health,
    pub(crate) limits: Limits,
    pub(crate) tasks: Tasks,
    pub(crate) modes: Modes,
    pub(crate) peers: Peers,
}

impl Host {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Which service it is.
    pub fn service(&self) -> Service {
        self.0.writer.service
    }

    /// Its database.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// Its database, be it recognised as its own or not: for what an operator does about that.
    pub(crate) fn bare_pool(&self) -> &PgPool {
        &self.0.bare_pool
    }

    /// Whether its database is recognised.
    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// The HTTP transport to a follower, not open yet.
    pub(crate) fn transport_to(
        &self,
        follower: Service,
        topic: Topic,
        partition: i32,
    ) -> HttpTransport {
        HttpTransport::new(
            self.peers(),
            follower,
            (topic, partition),
            self.modes().clone(),
            self.health().clone(),
        )
    }

    /// Everybody's mode.
    pub(crate) fn modes(&self) -> &Modes {
        &self.0.modes
    }

    /// The way to the other services.
    pub fn peers(&self) -> &Peers {
        &self.0.peers
    }

    /// What its own writing transactions begin with.
    pub fn writer(&self) -> &Writer {
        &self.0.writer
    }

    /// Its writer schemas.
    pub fn schema_ids(&self) -> &SchemaIds {
        &self.0.writer.schema_ids
    }

    /// The way into its queue for commands made in this process.
    pub fn flow(&self) -> &FlowSender {
        &self.0.flow
    }

    /// What a request may cost.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Its transports.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Its tasks, for group commits.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Where a service listens for other services, such as `http://127.0.0.1:8003`.
    pub fn url_of(&self, service: Service) -> &str {
        self.0.peers.url_of(service)
    }

    /// The log's head: it moves with every commit of this process.
    pub(crate) fn head(&self) -> &Arc<watch::Sender<i64>> {
        &self.0.committed
    }

    /// What was found at the log's head lately.
    pub(crate) fn looked(&self) -> &Arc<watch::Sender<Looked>> {
        &self.0.looked
    }

    /// Wakes the relay after a commit outside the batches.
    pub fn committed(&self, position: i64) {
        messaging::advance(&self.0.committed, position);
    }
}
