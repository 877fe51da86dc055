//! Puts the shell around a service's routes.

use std::any::Any;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

use super::admission::{Arriving, Slots};
use super::bodies::{Bodies, Way};
use super::rate::{self, AddressBuckets, AddressLimits, Buckets, RateLimits};
use super::shares::Shares;
use super::{AllowedOrigins, Limits, Probes, admission, context, host, limits, measure};
use crate::auth::{RouteScopes, Verifier};
use crate::idempotency::RequestHasher;
use crate::problem::{Problem, code};

/// What surrounds every route: context, metrics, limits, caught panics, problems for 404 and 405,
/// and what the extractors need.
#[derive(Debug, Clone)]
pub struct Shell {
    limits: Limits,
    probes: Probes,
    verifier: Option<Arc<Verifier>>,
    scopes: Arc<RouteScopes>,
    hasher: Option<Arc<RequestHasher>>,
    rate: Option<RateLimits>,
    addresses: AddressLimits,
    origins: AllowedOrigins,
}

/// Routes by who asks: none of these groups can take another's slots.
#[derive(Debug, Default)]
pub struct Groups {
    /// What people and their programs ask.
    pub own: Router,
    /// What is open to everybody, such as visitors' redirects.
    pub edge: Router,
    /// What services ask each other. It verifies their tokens and reads bodies itself.
    pub transport: Router,
}

impl Shell {
    /// A shell with these probes and limits.
    pub fn new(probes: Probes, limits: Limits) -> Self {
        Self {
            limits,
            probes,
            verifier: None,
            scopes: Arc::default(),
            hasher: None,
            rate: None,
            addresses: AddressLimits::default(),
            origins: AllowedOrigins::default(),
        }
    }

    /// Lets [`crate::auth::Caller`] be extracted.
    #[must_use]
    pub fn verifier(mut self, verifier: Arc<Verifier>) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// What API keys may do; without it nothing.
    #[must_use]
    pub fn route_scopes(mut self, scopes: RouteScopes) -> Self {
        self.scopes = Arc::new(scopes);
        self
    }

    /// Lets [`crate::write::Write`] be extracted.
    #[must_use]
    pub fn hasher(mut self, hasher: Arc<RequestHasher>) -> Self {
        self.hasher = Some(hasher);
        self
    }

    /// Limits how many requests one caller may make. Needs the verifier.
    #[must_use]
    pub fn rate_limits(mut self, limits: Option<RateLimits>) -> Self {
        self.rate = limits;
        self
    }

    /// Limits how many requests that are open to everybody one address may make.
    #[must_use]
    pub fn address_limits(mut self, limits: AddressLimits) -> Self {
        self.addresses = limits;
        self
    }

    /// Lets pages of these origins read answers.
    #[must_use]
    pub fn origins(mut self, origins: AllowedOrigins) -> Self {
        self.origins = origins;
        self
    }

    /// Says that it is alive and nothing more: how it is, and its figures, are served at another port.
    #[must_use]
    pub fn only_alive(mut self) -> Self {
        self.probes = self.probes.only_alive();
        self
    }

    /// The whole surface of a service: its routes and the probes, surrounded.
    pub fn wrap(&self, routes: Router) -> Router {
        self.wrap_groups(Groups {
            own: routes,
            ..Groups::default()
        })
    }

    /// The same of routes in groups.
    pub fn wrap_groups(&self, groups: Groups) -> Router {
        let limits = self.limits;
        let most_bytes = limits.max_pending_bodies.saturating_mul(limits.body_bytes);
        let bodies = |way| {
            Bodies::new(
                way,
                limits.max_pending_bodies,
                most_bytes,
                limits.share_percent,
            )
        };
        let going = bodies(Way::Going);
        let timeout = from_fn_with_state(limits.request_timeout, limits::timeout);
        let slots = || Slots {
            places: Shares::new(limits.max_in_flight, limits.share_percent),
            going: Arc::clone(&going),
        };
        let in_slots = |routes: Router| {
            let routes = routes.layer(timeout.clone());
            routes.layer(from_fn_with_state(slots(), admission::in_slot))
        };
        let arriving = Arriving::new(limits, bodies(Way::Coming));
        let of_callers = self.rate.map(|limits| Arc::new(Buckets::new(limits)));
        let surround = |routes: Router| {
            let arrive = from_fn_with_state(Arc::clone(&arriving), admission::arrive);
            self.identify(routes.layer(arrive), of_callers.as_ref())
        };
        let own = surround(in_slots(groups.own.fallback(no_route)));
        let mut edge = surround(in_slots(groups.edge));
        if let Some(buckets) = AddressBuckets::new(self.addresses.clone()) {
            edge = edge.layer(from_fn_with_state(buckets, rate::by_address));
        }
        let routes = own.merge(edge).merge(in_slots(groups.transport));
        let routes = routes
            .merge(self.probes.router().layer(timeout))
            .method_not_allowed_fallback(no_method);
        let routes = self
            .provide(routes)
            .layer(DefaultBodyLimit::max(limits.body_bytes))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(host::layer));
        // Outside of whatever refuses: a page may read why.
        let routes = match self.origins.layer() {
            Some(layer) => routes.layer(layer),
            None => routes,
        };
        routes
            .layer(from_fn(measure::layer))
            .layer(from_fn(context::layer))
    }

    fn identify(&self, mut routes: Router, buckets: Option<&Arc<Buckets>>) -> Router {
        let Some(verifier) = &self.verifier else {
            return routes;
        };
        if let Some(buckets) = buckets {
            routes = routes.layer(from_fn_with_state(Arc::clone(buckets), rate::layer));
        }
        let verifier = Arc::clone(verifier);
        routes.layer(from_fn_with_state(verifier, admission::identify))
    }

    fn provide(&self, mut routes: Router) -> Router {
        if let Some(verifier) = &self.verifier {
            routes = routes.layer(Extension(Arc::clone(verifier)));
            routes = routes.layer(Extension(Arc::clone(&self.scopes)));
        }
        if let Some(hasher) = &self.hasher {
            routes = routes.layer(Extension(Arc::clone(hasher)));
        }
        routes
    }
}

async fn no_route() -> Problem {
    Problem::not_found().with_detail("no such path; /docs lists what there is")
}

async fn no_method() -> Problem {
    Problem::of(code::METHOD_NOT_ALLOWED)
        .with_detail("this path does not take that method; see the Allow header")
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let reason = text.as_deref().unwrap_or("a panic without a text");
    Problem::internal(&reason).into_response()
}
