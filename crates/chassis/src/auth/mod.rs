//! Bearer tokens: who asks, and what they may do.

mod api_keys;
mod cache;
mod caller;
mod claim_names;
mod claims;
mod config;
mod jwks;
mod keys;
mod known;
mod remote;
mod route_scopes;
mod verifier;

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

pub use api_keys::{ApiKey, ApiKeyTable, LookUp, NewApiKey};
pub(crate) use caller::Shown;
pub use caller::{Caller, Scope};
pub use claim_names::ClaimNames;
pub use claims::{Audience, Claims, Role};
pub use config::{AuthConfig, Surface};
pub use keys::{Algorithm, KeyError, SigningKey, VerifyingKeys};
pub use remote::RemoteKeys;
pub use route_scopes::RouteScopes;
pub use verifier::{Anonymous, TokenError, Verifier};

/// A stream ends after so long, and the token is to be shown again: whoever may see no more listens no more.
pub const MAX_STREAM_AGE: Duration = Duration::from_mins(10);
/// Longer than any token of ours, shorter than what would cost to look at.
const MAX_TOKEN_LENGTH: usize = 8 * 1024;
/// How far clocks may be apart.
const LEEWAY_SECONDS: u64 = 60;

/// The bearer token of a request: `Ok(None)` when it shows none at all.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(AUTHORIZATION) {
            Err(TokenError::Malformed)
        } else {
            Ok(None)
        };
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(TokenError::Malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > MAX_TOKEN_LENGTH
    {
        return Err(TokenError::Malformed);
    }
    Ok(Some(token))
}
