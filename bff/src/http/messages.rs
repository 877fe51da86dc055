//! The messages between the services: the `AsyncAPI` document and its page, as the schemas' tests keep them.

use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Both stay in the program's file: nothing of them is kept in memory.
const DOCUMENT: &str = include_str!("../../../schemas/asyncapi.json");
const PAGE: &str = include_str!("../../../schemas/asyncapi.html");

/// The page has its style in it and nothing else that would be fetched or run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

type Header = (HeaderName, &'static str);

pub(super) async fn document() -> ([Header; 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}

pub(super) async fn page() -> ([Header; 2], &'static str) {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE)
}
