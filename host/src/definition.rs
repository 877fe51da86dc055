//! What a service adds to the frame.

use std::sync::Arc;

use chassis::telemetry::Help;
use pipeline::effects::{self, Effect};
use pipeline::gauges::Gauge;
use pipeline::relay::Source;
use pipeline::timers::{self, Timer};
use pipeline::{Domain, Inlet, Tasks};
use schemas::Topic;
use sqlx::migrate::Migrator;
use utoipa_axum::router::OpenApiRouter;

use crate::start::Host;

/// Makes a service's routes.
pub type Routes = fn(&Host) -> OpenApiRouter;
/// What runs under the relay's lock: starts itself with what it needs.
pub(crate) type Start = Arc<dyn Fn(&Tasks, Source, Inlet, Topic) + Send + Sync>;

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
    /// Its timers and effects.
    pub led: Led,
    /// Figures of its tables for the metrics.
    pub gauges: &'static [Gauge],
    /// What its own metrics tell, those among the gauges too.
    pub metrics: &'static [Help],
}

/// What only one process of a service may do: timers and effects.
#[derive(Clone, Default)]
pub struct Led(pub(crate) Vec<Start>);

impl Led {
    /// Nothing of the kind.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds a timer.
    #[must_use]
    pub fn timer(mut self, timer: impl Timer) -> Self {
        let timer = Arc::new(timer);
        self.0.push(Arc::new(move |tasks, source, inlet, commands| {
            let (timer, stop) = (Arc::clone(&timer), tasks.stop().clone());
            tasks.spawn(
                "timer",
                timers::run(timer, source.pool, inlet, commands, stop),
            );
        }));
        self
    }

    /// Adds an effect.
    #[must_use]
    pub fn effect(mut self, effect: impl Effect) -> Self {
        let effect = Arc::new(effect);
        self.0.push(Arc::new(move |tasks, source, inlet, commands| {
            let (effect, stop) = (Arc::clone(&effect), tasks.stop().clone());
            tasks.spawn(
                "effect",
                effects::run(effect, source, inlet, commands, stop),
            );
        }));
        self
    }
}
