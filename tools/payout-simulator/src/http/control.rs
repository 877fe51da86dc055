//! `/control`: how the provider behaves.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Simulator, json, problem, read};

pub(super) async fn show(State(simulator): State<Simulator>) -> Response {
    json(StatusCode::OK, &simulator.lock().behaviour)
}

pub(super) async fn change(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let patch = match read(&body) {
        Ok(patch) => patch,
        Err(refused) => return refused.into_response(),
    };
    let mut inner = simulator.lock();
    match inner.behaviour.patch(patch) {
        Ok(behaviour) => inner.behaviour = behaviour,
        Err(error) => return problem(StatusCode::BAD_REQUEST, error),
    }
    tracing::info!(behaviour = ?inner.behaviour, "behaviour changed");
    json(StatusCode::OK, &inner.behaviour)
}
