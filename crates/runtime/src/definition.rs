//! What a service adds to the frame.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Router;
use chassis::telemetry::Help;
use messaging::gauges::Gauge;
use messaging::job::{self, Job};
use messaging::{Domain, DynDomain, Tasks};
use sqlx::migrate::Migrator;
use utoipa_axum::router::OpenApiRouter;

use crate::host::Host;

/// Makes a service's routes.
pub type Routes = fn(&Host) -> OpenApiRouter;
/// Makes those of its edge, which may have settings of their own.
pub type EdgeRoutes = Arc<dyn Fn(&Host) -> OpenApiRouter + Send + Sync>;
/// What runs under the relay's lock: starts itself with what it needs.
pub(crate) type Start = Arc<dyn Fn(&Host, &Tasks) + Send + Sync>;

/// A service, in one screen.
pub struct Definition<D> {
    /// What it decides.
    pub domain: DomainOf<D>,
    /// Its own tables.
    pub migrations: &'static Migrator,
    /// For its document: what it is for.
    pub about: &'static str,
    /// Its HTTP surface; closed in event mode, except the bff's.
    pub routes: Routes,
    /// Routes that are open in every mode.
    pub edge: EdgeRoutes,
    /// Routes for operators and the bff, beside those that every service has; open in every mode, at the second port if there is one.
    pub operators: Routes,
    /// Routes for the other services alone, beside those that every service has; open in every mode. Each checks who asks.
    pub between: fn(&Host) -> Router,
    /// Whether it takes API keys: then it has the tables that they are looked up in.
    pub api_keys: bool,
    /// Whether it seals texts of partners: then it has the table of their keys.
    pub personal_keys: bool,
    /// Whether its edge answers visitors also without its database: then it stays ready without, once it was.
    pub outlives_database: bool,
    /// What only its leader runs.
    pub jobs: LeaderJobs,
    /// Figures of its tables for the metrics.
    pub gauges: &'static [Gauge],
    /// What its own metrics show, those among the gauges too.
    pub metrics: &'static [Help],
}

impl<D: Domain> Definition<D> {
    /// One with all that a service must have; the rest stands beside it as `..`.
    pub fn of(
        domain: D,
        migrations: &'static Migrator,
        about: &'static str,
        routes: Routes,
    ) -> Self {
        Self {
            domain: DomainOf(Arc::new(domain), PhantomData),
            migrations,
            about,
            routes,
            edge: Arc::new(|_| OpenApiRouter::new()),
            operators: |_| OpenApiRouter::new(),
            between: |_| Router::new(),
            api_keys: false,
            personal_keys: false,
            outlives_database: false,
            jobs: LeaderJobs::nothing(),
            gauges: &[],
            metrics: &[],
        }
    }
}

impl<D> Definition<D> {
    /// The same, of which nobody needs to know whose it is: so what runs it is compiled once.
    pub(crate) fn untyped(self) -> Definition<()> {
        Definition {
            domain: DomainOf(self.domain.0, PhantomData),
            migrations: self.migrations,
            about: self.about,
            routes: self.routes,
            edge: self.edge,
            operators: self.operators,
            between: self.between,
            api_keys: self.api_keys,
            personal_keys: self.personal_keys,
            outlives_database: self.outlives_database,
            jobs: self.jobs,
            gauges: self.gauges,
            metrics: self.metrics,
        }
    }
}

/// A domain behind a pointer, with its name: which service it is of is known before there is one.
pub struct DomainOf<D>(pub(crate) Arc<dyn DynDomain>, PhantomData<fn() -> D>);

/// What only one process of a service may do: timers, payouts, keys.
#[derive(Clone, Default)]
pub struct LeaderJobs(pub(crate) Vec<Start>);

impl LeaderJobs {
    /// Nothing of the kind.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with<J: Job>(self, job: J) -> Self {
        let job = Arc::new(job);
        self.with_start(move |_| Arc::clone(&job))
    }

    /// Adds one that needs more of its service than its database, made anew each time that it comes to lead.
    #[must_use]
    pub fn with_host<J: Job>(self, make: impl Fn(&Host) -> J + Send + Sync + 'static) -> Self {
        self.with_start(move |host| Arc::new(make(host)))
    }

    fn with_start<J: Job>(mut self, job: impl Fn(&Host) -> Arc<J> + Send + Sync + 'static) -> Self {
        self.0.push(Arc::new(move |host, tasks| {
            let (job, stop) = (job(host), tasks.stop().clone());
            let (pool, flow) = (host.pool().clone(), host.flow().clone());
            let (committed, looked) = (host.head().subscribe(), host.looked().subscribe());
            tasks.spawn(J::NAME, job::run(job, pool, flow, committed, looked, stop));
        }));
        self
    }
}
