//! What the bff asks a service at its routes for services: read from a signed request, and answered as JSON.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::Service;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::transport::internal::{InternalKey, TOKEN_NEEDED};

/// The question of a request that the bff has signed; a response to whoever is not the bff, or asks for nothing that there is.
///
/// # Errors
///
/// The response: that a token is needed, that it is another service's, or that this is no such question.
pub fn read<Q: DeserializeOwned>(
    key: &InternalKey,
    me: Service,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Q, Box<Response>> {
    let refuse = |status: StatusCode, why: String| Box::new((status, why).into_response());
    match key.asker(headers, me, body) {
        Some(Service::Bff) => {}
        Some(_) => {
            let why = "only the bff shows people what is here";
            return Err(refuse(StatusCode::FORBIDDEN, why.to_owned()));
        }
        None => {
            return Err(refuse(StatusCode::UNAUTHORIZED, TOKEN_NEEDED.to_owned()));
        }
    }
    let question = serde_json::from_slice(body);
    question.map_err(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))
}

/// Whoever has no turn in time is answered so.
pub fn busy() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, "others are answered first").into_response()
}

/// What was found; an error goes to the log, and says for people that `what` cannot be read now.
pub fn answer(
    found: Result<impl Serialize, impl std::fmt::Display>,
    what: &'static str,
) -> Response {
    match found.map(|found| serde_json::to_vec(&found)) {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => {
            tracing::warn!(%error, "what the bff asks for cannot be read");
            let why = format!("{what} cannot be read now");
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}
