//! Pages of other origins that browsers let read answers (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;
use url::{Origin, Url};

use super::CORRELATION_ID;
use crate::config::Env;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::openapi::headers_of_answers;
use crate::prefer::PREFER;

const ALLOWED: &str = "HTTP_ALLOWED_ORIGINS";
/// Browsers remember for so long what may be sent; Chromium no longer than two hours.
const MAX_AGE: Duration = Duration::from_mins(10);

/// The origins whose pages may read answers; without any, no page of another origin may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<HeaderValue>);

impl AllowedOrigins {
    /// Reads `HTTP_ALLOWED_ORIGINS`: `https://app.example.com`, several by commas. `*` is none: every front end is named.
    pub fn read(env: &mut Env) -> Self {
        let given: String = env.or(ALLOWED, String::new());
        let mut origins = Vec::new();
        for text in given.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            match origin(text) {
                Some(origin) => origins.push(origin),
                None => env.report(
                    ALLOWED,
                    format!(
                        "'{text}' is no origin: scheme, host and port, and nothing behind them"
                    ),
                    "https://app.example.com",
                ),
            }
        }
        Self(origins)
    }

    /// Answers what browsers ask before they send a page's request, and says on every answer who may read it. Tokens are
    /// sent by pages themselves, so no cookies or client certificates are let through.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let layer = CorsLayer::new()
            .allow_origin(self.0.clone())
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                ACCEPT,
                AUTHORIZATION,
                CONTENT_TYPE,
                HeaderName::from_static(IDEMPOTENCY_KEY),
                HeaderName::from_static(PREFER),
                CORRELATION_ID,
                HeaderName::from_static("last-event-id"),
                HeaderName::from_static("traceparent"),
            ])
            .expose_headers(headers_of_answers().collect::<Vec<_>>());
        Some(layer.max_age(MAX_AGE))
    }
}

/// As a browser writes it; `None` of what is no origin of pages.
fn origin(text: &str) -> Option<HeaderValue> {
    let url: Url = text.parse().ok()?;
    let origin @ Origin::Tuple(..) = url.origin() else {
        return None;
    };
    let written = origin.ascii_serialization();
    // A pattern would be taken for a name that no browser sends.
    let is_name = !written.contains('*') && matches!(url.scheme(), "http" | "https");
    let whole = is_name && text.eq_ignore_ascii_case(&written);
    HeaderValue::from_str(&written).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AllowedOrigins, String> {
        let mut env = Env::from_map([(ALLOWED, text)]);
        let origins = AllowedOrigins::read(&mut env);
        env.finish()
            .map(|()| origins)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_and_nothing_else() {
        let origins = read("https://App.example.com, http://localhost:5173").unwrap();
        let written = ["https://app.example.com", "http://localhost:5173"];
        assert_eq!(origins.0, written.map(HeaderValue::from_static));
        for wrong in [
            "*",
            "null",
            "https://a.example/",
            "https://a.example/app",
            "https://*.example.com",
            "a.example",
            "file:///x",
            "https://u@a.example",
            "https://a.example?x",
        ] {
            assert!(read(wrong).unwrap_err().contains(ALLOWED), "{wrong}");
        }
        assert!(read("").unwrap().layer().is_none());
    }
}
