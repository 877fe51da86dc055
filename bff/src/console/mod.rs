//! The console at `/console`: a page of static files that uses nothing but the public API, what it has to know of this
//! installation, and in the local profile a way to sign in as one of the demo's people.

mod assets;
mod settings;
mod sign_in;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use axum::Router;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chassis::config::Env;
use chassis::json::Json;

use settings::Settings;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Reads what the console is to know.
pub(crate) fn read_settings(env: &mut Env) {
    SETTINGS.get_or_init(|| Settings::read(env));
}

/// Its routes, in no document: they are the console's own.
pub(crate) fn routes() -> Router {
    router(SETTINGS.get().cloned().unwrap_or_default())
}

fn router(settings: Settings) -> Router {
    Router::new()
        .route(
            "/console",
            get(|| async { Redirect::permanent("/console/") }),
        )
        .route("/console/", get(assets::index))
        .route("/console/config.json", get(config))
        .route("/console/sign-in/{person}", post(sign_in::sign_in))
        .route("/console/{*path}", get(assets::asset))
        .with_state(settings)
}

/// How people sign in here.
async fn config(State(settings): State<Settings>) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(settings.shown())).into_response()
}
