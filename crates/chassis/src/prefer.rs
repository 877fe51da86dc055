//! RFC 7240's `Prefer: wait=n`.

use std::time::Duration;

use axum::http::HeaderMap;

/// The header that carries preferences.
pub(crate) const PREFER: &str = "prefer";

/// No request is held longer, whatever it prefers.
const MAX_SECS: u64 = 30;

/// How long the client prefers to wait for an outcome, at most 30 s. What cannot be understood
/// is no preference, as the RFC says; of several, the first counts.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers
        .get_all(PREFER)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .find_map(preference)
}

fn preference(text: &str) -> Option<Duration> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("wait") {
        return None;
    }
    let seconds: u64 = value.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_SECS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("prefer"),
            axum::http::HeaderValue::from_static(value),
        )]);
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_wait_is_found_among_other_preferences_and_bounded() {
        assert_eq!(of("wait=5"), Some(5));
        assert_eq!(of("respond-async, Wait = \"7\"; x=y"), Some(7));
        assert_eq!(of("wait=9999"), Some(30));
    }

    #[test]
    fn what_is_not_understood_is_no_preference() {
        for value in ["", "wait", "wait=", "wait=-1", "wait=1.5", "return=minimal"] {
            assert_eq!(of(value), None, "{value}");
        }
    }
}
