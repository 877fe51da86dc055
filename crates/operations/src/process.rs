//! What the routes act upon.

use std::sync::Arc;

use messaging::identity::Guard;
use messaging::transport::Peers;
use messaging::transport::statistics::BrokerStatistics;
use messaging::{DryRun, Health, Modes, SchemaIds, Writer};
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::replay::Replays;

/// A process of a service, as far as operators act upon it: made when it starts.
pub struct Process {
    /// Its database.
    pub pool: PgPool,
    /// Its database, be it recognised as its own or not: for what an operator does about that.
    pub bare_pool: PgPool,
    /// Whether it is recognised.
    pub guard: Guard,
    /// What its own writing transactions begin with.
    pub writer: Writer,
    /// What the transactions begin with that move watermarks.
    pub engine_writer: Writer,
    /// The statement that lists its commands: [`messaging::Domain::COMMAND_LOG`].
    pub command_log: &'static str,
    /// For dry runs.
    pub dry_run: Arc<dyn DryRun>,
    /// Notifies the retry scheduler.
    pub retry_queue_changed: Arc<Notify>,
    /// The log's head: it moves with every commit of this process.
    pub committed: Arc<watch::Sender<i64>>,
    /// The way to have tables made again.
    pub replays: Replays,
    /// The way to its followers.
    pub peers: Peers,
    /// Everybody's mode.
    pub modes: Modes,
    /// Its transports.
    pub health: Health,
    /// What the broker reports, where its admin interface is known.
    pub broker: Option<BrokerStatistics>,
    /// What a request's body may have at most.
    pub body_bytes: usize,
    /// Whether its clock may be moved: in the local profile.
    pub has_test_clock: bool,
    /// Ends what goes on for as long as a client listens.
    pub stop: CancellationToken,
}

impl Process {
    pub(crate) fn service(&self) -> Service {
        self.writer.service
    }

    pub(crate) fn schema_ids(&self) -> &SchemaIds {
        &self.writer.schema_ids
    }

    /// The topics that it publishes to the broker.
    pub(crate) fn relayed_topics(&self) -> Vec<Topic> {
        self.modes.relayed_topics(self.service())
    }
}
