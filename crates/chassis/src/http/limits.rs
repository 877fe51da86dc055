//! How much a service takes on: time, requests at once, sizes.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::shares::Percent;
use crate::config::Env;
use crate::prefer;
use crate::problem::{Problem, code};

/// A message's payload as JSON.
const OPERATOR_BODY_BYTES: usize = 1024 * 1024;

/// The limits of one service's HTTP surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes.
    pub body_bytes: usize,
    /// Longest time to an answer once the whole request is there, not counting what `Prefer: wait=n` of a write asks for.
    pub request_timeout: Duration,
    /// Requests being answered at once, in each group of routes; probes and metrics are not counted.
    pub max_in_flight: usize,
    /// Bodies that are on their way at once: of requests, and as many of long answers.
    pub max_pending_bodies: usize,
    /// How much of each bound one subject or one address may hold.
    pub share_percent: Percent,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            request_timeout: Duration::from_secs(15),
            max_in_flight: 1024,
            max_pending_bodies: 1024,
            share_percent: Percent::default(),
        }
    }
}

impl Limits {
    /// Longest body of an operator in bytes, where a route raises its own with axum's `DefaultBodyLimit`: never less than
    /// anybody's.
    pub fn operator_body_bytes(&self) -> usize {
        self.body_bytes.max(OPERATOR_BODY_BYTES)
    }

    /// Reads `HTTP_BODY_LIMIT_BYTES`, `HTTP_REQUEST_TIMEOUT_MS`, `HTTP_MAX_IN_FLIGHT`, `HTTP_MAX_PENDING_BODIES` and
    /// the shares.
    pub fn read(env: &mut Env) -> Self {
        let default = Self::default();
        let timeout_ms: u32 = env.within("HTTP_REQUEST_TIMEOUT_MS", 15_000, 1..=u32::MAX);
        // With none, every request would be refused.
        let mut most = |name, default| env.within(name, default, 1..=usize::MAX);
        let max_in_flight = most("HTTP_MAX_IN_FLIGHT", default.max_in_flight);
        let max_pending_bodies = most("HTTP_MAX_PENDING_BODIES", default.max_pending_bodies);
        Self {
            body_bytes: env.or("HTTP_BODY_LIMIT_BYTES", default.body_bytes),
            request_timeout: Duration::from_millis(u64::from(timeout_ms)),
            max_in_flight,
            max_pending_bodies,
            share_percent: Percent::read(env),
        }
    }
}

/// Ends a request that takes too long. What it has set going may still happen.
pub(super) async fn timeout(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    // Only the outcome of a write is waited for.
    let reads = request.method().is_safe();
    let wait = if reads {
        Duration::ZERO
    } else {
        prefer::wait(request.headers()).unwrap_or_default()
    };
    let answer = tokio::time::timeout(limit.saturating_add(wait), next.run(request));
    answer.await.unwrap_or_else(|_| {
        Problem::of(code::REQUEST_TIMED_OUT)
            .with_detail(if reads {
                "no answer in time; ask again"
            } else {
                "no answer in time; a write may still happen: repeat it with its Idempotency-Key"
            })
            .into_response()
    })
}
