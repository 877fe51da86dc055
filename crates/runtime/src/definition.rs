//! What a service adds to the frame.

use std::sync::Arc;

use chassis::telemetry::Help;
use messaging::gauges::Gauge;
use messaging::relay::Source;
use messaging::timers::{self, Timer};
use messaging::{Domain, FlowSender, Tasks};
use schemas::Topic;
use sqlx::migrate::Migrator;
use utoipa_axum::router::OpenApiRouter;

use crate::start::Host;

/// Makes a service's routes.
pub type Routes = fn(&Host) -> OpenApiRouter;
/// What runs under the relay's lock: starts itself with what it needs.
pub(crate) type Start = Arc<dyn Fn(&Tasks, Source, FlowSender, Topic) + Send + Sync>;

/// A service, in one screen.
pub struct Definition<D: Domain> {
    /// What it decides.
    pub domain: D,
    /// Its own tables.
    pub migrations: &'static Migrator,
    /// For its document: what it is for.
    pub about: &'static str,
    /// Its HTTP surface; closed in event mode, except the bff's.
    pub routes: Routes,
    /// Routes that are open in every mode.
    pub edge: Routes,
    /// Routes for operators, beside those that every service has; open in every mode, at the second port if there is one.
    pub operators: Routes,
    /// Its timers.
    pub jobs: LeaderJobs,
    /// Figures of its tables for the metrics.
    pub gauges: &'static [Gauge],
    /// What its own metrics show, those among the gauges too.
    pub metrics: &'static [Help],
}

/// What only one process of a service may do: its timers.
#[derive(Clone, Default)]
pub struct LeaderJobs(pub(crate) Vec<Start>);

impl LeaderJobs {
    /// Nothing of the kind.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds a timer.
    #[must_use]
    pub fn timer(mut self, timer: impl Timer) -> Self {
        let timer = Arc::new(timer);
        self.0.push(Arc::new(move |tasks, source, flow, commands| {
            let (timer, stop) = (Arc::clone(&timer), tasks.stop().clone());
            tasks.spawn(
                "timer",
                timers::run(timer, source.pool, flow, commands, stop),
            );
        }));
        self
    }
}
