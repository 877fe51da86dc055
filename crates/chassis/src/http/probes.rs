//! `/health`, `/ready` and `/metrics`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::json::Json;
use crate::telemetry::Metrics;

/// How old what `/ready` says may be.
const FRESH: Duration = Duration::from_secs(1);

type Checks = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<ReadyCheck>> + Send>> + Send + Sync>;

/// One thing a service needs before it can serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadyCheck {
    /// What is checked: `database`, `topics`.
    pub name: String,
    /// Whether it is as it must be.
    pub ready: bool,
    /// Why not and what to do, or what there is to know all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl ReadyCheck {
    /// Is as it must be.
    pub fn passed(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ready: true,
            detail: None,
        }
    }

    /// Says more about it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Is not, and why.
    pub fn failed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ready: false,
            detail: Some(detail.into()),
        }
    }
}

/// What the probes of a service answer.
#[derive(Clone)]
pub struct Probes {
    service: &'static str,
    checks: Checks,
    metrics: Option<Metrics>,
    only_alive: bool,
}

impl Probes {
    /// Ready as soon as it is alive, until [`Probes::ready_when`] says otherwise.
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            checks: Arc::new(|| Box::pin(async { Vec::new() })),
            metrics: None,
            only_alive: false,
        }
    }

    /// Asked at each `/ready`; ready when every check passed.
    #[must_use]
    pub fn ready_when<F, A>(mut self, checks: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Vec<ReadyCheck>> + Send + 'static,
    {
        self.checks = Arc::new(move || Box::pin(checks()));
        self
    }

    /// Serves these at `/metrics`.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Leaves `/health` alone.
    pub(super) fn only_alive(mut self) -> Self {
        self.only_alive = true;
        self
    }

    /// The routes. `/api/v1/<service>/health` is the same as `/health`.
    pub(super) fn router(&self) -> Router {
        let service = self.service;
        let alive = move || async move {
            Json(Alive {
                status: "ok",
                service,
            })
        };
        let checks = Arc::clone(&self.checks);
        let last = Arc::new(Mutex::new(None));
        let ready = move || async move { readiness(service, looked(&checks, &last).await) };
        let router = Router::new()
            .route("/health", get(alive))
            .route(&format!("/api/v1/{service}/health"), get(alive));
        if self.only_alive {
            return router;
        }
        let router = router.route("/ready", get(ready));
        let Some(metrics) = self.metrics.clone() else {
            return router;
        };
        let text = "text/plain; version=0.0.4; charset=utf-8";
        router.route(
            "/metrics",
            get(move || async move { ([(CONTENT_TYPE, text)], metrics.render()) }),
        )
    }
}

/// The checks as they were a second ago at most: anybody may ask, and they use what requests need.
async fn looked(
    checks: &Checks,
    last: &Mutex<Option<(Instant, Vec<ReadyCheck>)>>,
) -> Vec<ReadyCheck> {
    let since = Instant::now();
    let mut last = last.lock().await;
    match &*last {
        // Who waited for a look has its answer.
        Some((at, found)) if *at >= since || at.elapsed() < FRESH => found.clone(),
        _ => {
            let found = checks().await;
            *last = Some((Instant::now(), found.clone()));
            found
        }
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probes")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Alive {
    status: &'static str,
    service: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    service: &'static str,
    checks: Vec<ReadyCheck>,
}

fn readiness(service: &'static str, checks: Vec<ReadyCheck>) -> Response {
    let ready = checks.iter().all(|check| check.ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = if ready { "ready" } else { "not_ready" };
    (
        status,
        Json(Readiness {
            status: word,
            service,
            checks,
        }),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_who_ask_at_once_whether_it_is_ready_cost_one_look() {
        let looks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&looks);
        let checks: Checks = Arc::new(move || {
            let counted = Arc::clone(&counted);
            Box::pin(async move {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                vec![ReadyCheck::passed("database")]
            })
        });
        let last = Mutex::new(None);
        let answers = (0..100).map(|_| looked(&checks, &last));
        for found in futures::future::join_all(answers).await {
            assert_eq!(found, [ReadyCheck::passed("database")]);
        }
        assert_eq!(looks.load(Ordering::Relaxed), 1);
    }
}
