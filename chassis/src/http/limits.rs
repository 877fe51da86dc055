//! How much a service takes on: time, requests at once, sizes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::config::Env;
use crate::prefer;
use crate::problem::Problem;

/// The limits of one service's HTTP surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes; a route may raise its own with axum's `DefaultBodyLimit`.
    pub body_bytes: usize,
    /// Longest time to an answer, not counting what `Prefer: wait=n` asks for.
    pub request_timeout: Duration,
    /// Requests being answered at once; probes and metrics are not counted.
    pub max_in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let request_timeout = Duration::from_secs(15);
        Self {
            body_bytes: 64 * 1024,
            request_timeout,
            max_in_flight: 1024,
        }
    }
}

impl Limits {
    /// Reads `HTTP_BODY_LIMIT_BYTES`, `HTTP_REQUEST_TIMEOUT_MS` and `HTTP_MAX_IN_FLIGHT`.
    pub fn read(env: &mut Env) -> Self {
        let default = Self::default();
        let timeout_ms: u32 = env.or("HTTP_REQUEST_TIMEOUT_MS", 15_000);
        Self {
            body_bytes: env.or("HTTP_BODY_LIMIT_BYTES", default.body_bytes),
            request_timeout: Duration::from_millis(u64::from(timeout_ms)),
            max_in_flight: env.or("HTTP_MAX_IN_FLIGHT", default.max_in_flight),
        }
    }
}

/// Refuses what comes beyond `max_in_flight` at once, rather than letting everyone wait.
pub(super) async fn in_flight(
    State(slots): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    match slots.try_acquire() {
        Ok(_slot) => next.run(request).await,
        Err(_) => Problem::unavailable("overloaded", "too many requests at once; try again", 1)
            .into_response(),
    }
}

/// Ends a request that takes too long. What it has set going may still happen.
pub(super) async fn timeout(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let wait = prefer::wait(request.headers()).unwrap_or_default();
    let answer = tokio::time::timeout(limit.saturating_add(wait), next.run(request));
    answer.await.unwrap_or_else(|_| {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "request_timed_out")
            .with_detail(
                "no answer in time; a write may still happen: repeat it with its Idempotency-Key",
            )
            .into_response()
    })
}
