//! `POST /internal/v1/clicks`: the bff asks how many clicks there were, for a report.

use std::sync::Arc;
use std::time::Duration;

use api::{COUNTED_CLICKS, ClicksQuestion};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chassis::http::to_its_end;
use messaging::transport::question;
use runtime::Host;
use tokio::sync::Semaphore;

use crate::store::click_counts;

const MAX_QUESTION_BYTES: usize = 64 * 1024;
/// The days of a leap year, and the end of the last.
const MAX_BOUNDARIES: usize = 367;
/// Questions that are looked into at once; each has a connection of the pool.
const AT_ONCE: usize = 2;
/// Who has no turn by then is answered so.
const TURN_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Counting {
    host: Host,
    free: Arc<Semaphore>,
}

/// Its route.
pub(crate) fn routes(host: &Host) -> Router {
    let counting = Counting {
        host: host.clone(),
        free: Arc::new(Semaphore::new(AT_ONCE)),
    };
    Router::new()
        .route(COUNTED_CLICKS, post(count))
        .layer(DefaultBodyLimit::max(MAX_QUESTION_BYTES))
        .layer(from_fn(to_its_end))
        .with_state(counting)
}

async fn count(State(at): State<Counting>, headers: HeaderMap, body: Bytes) -> Response {
    let key = &at.host.peers().key;
    let wanted: ClicksQuestion = match question::read(key, at.host.service(), &headers, &body) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let moments = &wanted.boundaries;
    if !(2..=MAX_BOUNDARIES).contains(&moments.len()) || !moments.is_sorted() {
        let why = "there are no such spans of time";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_TIMEOUT, at.free.acquire()).await else {
        return question::busy();
    };
    let counted = click_counts::between(at.host.pool(), &wanted).await;
    question::answer(counted, "its clicks")
}
