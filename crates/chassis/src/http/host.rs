//! Which host a request is for.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{CONNECTION, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::is_loopback;
use crate::problem::{FieldProblem, Problem, code};

/// RFC 9112, 3.2 and 6.1: what proxies and servers may understand differently is refused, and so is what follows on its
/// connection.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let has_host = match headers.get_all(HOST).iter().count() {
        0 => request.version() <= Version::HTTP_10,
        1 => name(headers).is_some(),
        _ => false,
    };
    if !has_host {
        return refused("Host", "must be given once, with a host's name or address");
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !codings.next().is_none_or(chunked) || codings.next().is_some() {
        return refused("Transfer-Encoding", "must be chunked, once");
    }
    next.run(request).await
}

fn refused(name: &'static str, detail: &'static str) -> Response {
    Problem::of(code::INVALID_HEADER)
        .with_detail("a header is not acceptable; see errors")
        .with_error(FieldProblem::parameter(name, detail))
        .with_header(CONNECTION, HeaderValue::from_static("close"))
        .into_response()
}

/// The host that a request names, without its port and in lower case.
pub(crate) fn name(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HOST)?.to_str().ok()?;
    let authority: Authority = text.parse().ok()?;
    let is_host = !authority.host().is_empty() && !text.contains('@');
    is_host.then(|| authority.host().to_ascii_lowercase())
}

/// The hosts of the pages that a browser asks for, without ports and in lower case: at most one, and `None` for a page that
/// names no site (RFC 6454, 7). A browser names it with every POST, also with one that it asks nobody's leave for.
pub(crate) fn origins(headers: &HeaderMap) -> impl Iterator<Item = Option<String>> {
    headers.get_all(ORIGIN).iter().map(|origin| {
        let (scheme, authority) = origin.to_str().ok()?.split_once("://")?;
        let authority: Authority = authority.parse().ok()?;
        let is_page = matches!(scheme, "http" | "https");
        is_page.then(|| authority.host().to_ascii_lowercase())
    })
}

/// Whether only this machine shows pages under this host.
pub(crate) fn is_this_machine(host: &str) -> bool {
    is_loopback(host) || host.ends_with(".localhost")
}

/// Whether a page of somebody else's site cannot have named this host: such a page reaches this machine only by a name of
/// its own that it lets point here (DNS rebinding).
pub(crate) fn is_no_sites(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok() || is_this_machine(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_no_sites_names() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "bff.localhost",
            "10.0.0.7",
        ] {
            assert!(is_no_sites(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "2130706433",
        ] {
            assert!(!is_no_sites(host), "{host}");
        }
    }

    #[test]
    fn a_host_is_taken_with_or_without_its_port() {
        let of = |text: &'static str| {
            let headers = [(HOST, HeaderValue::from_static(text))];
            name(&headers.into_iter().collect())
        };
        assert_eq!(of("Example.com:8002").as_deref(), Some("example.com"));
        assert_eq!(of("[::1]:8002").as_deref(), Some("[::1]"));
        for text in ["", "a b", "a/b", "me@example.com", ":80"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
