//! The provider's HTTP face.

mod control;
mod payouts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::{Behaviour, Journal, Ledger};

/// Requests under way at once, hanging ones included; more are answered 503.
const MAX_REQUESTS: usize = 2_048;
const MAX_BODY_BYTES: usize = 16_384;

/// The provider: its ledger and how it behaves.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Mutex<Inner>>,
    places: Arc<Semaphore>,
}

pub(crate) struct Inner {
    pub(crate) behaviour: Behaviour,
    pub(crate) ledger: Ledger,
    pub(crate) journal: Option<Journal>,
}

impl Simulator {
    /// A provider with this ledger.
    pub fn new(behaviour: Behaviour, ledger: Ledger, journal: Option<Journal>) -> Self {
        let inner = Inner {
            behaviour,
            ledger,
            journal,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            places: Arc::new(Semaphore::new(MAX_REQUESTS)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All routes.
pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/v1/payouts", post(payouts::submit).get(payouts::statement))
        .route("/v1/payouts/{reference}", get(payouts::look_up))
        .route("/control", get(control::show).post(control::change))
        .route(
            "/health",
            get(|| async { json(StatusCode::OK, &Health { status: "ok" }) }),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(simulator)
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Problem {
    error: String,
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    json(
        status,
        &Problem {
            error: error.into(),
        },
    )
}

/// A request that is not understood.
struct Refused {
    status: StatusCode,
    error: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        problem(self.status, self.error)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused {
        status: StatusCode::BAD_REQUEST,
        error: error.to_string(),
    })
}
