//! From a request's token to its caller.

use std::fmt;

use axum::http::HeaderMap;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};

use super::cache::Cache;
use super::{Caller, Claims, LEEWAY_SECONDS, VerifyingKeys, bearer};

/// What a request without a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// Refused with 401.
    Refused,
    /// The operator of a developer's machine; the local profile only.
    LocalOperator,
}

/// Why a token is not taken. The client learns no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("a bearer token is needed")]
    Missing,
    /// Not one bearer token in the shape of a JWT of ours.
    #[error("the Authorization header holds no token of ours")]
    Malformed,
    /// Signed by another key or by no key, or with another algorithm.
    #[error("the token is not signed with a key that counts here")]
    Signature,
    /// Over, or not begun.
    #[error("the token is not valid at this time")]
    Time,
    /// Another issuer, or for others.
    #[error("the token is not from or not for this system")]
    Foreign,
}

/// Verifies tokens by signature, algorithm, issuer, audience and time.
pub struct Verifier {
    keys: VerifyingKeys,
    validation: Validation,
    anonymous: Anonymous,
    cache: Cache<Caller>,
}

impl Verifier {
    /// Takes tokens of this issuer for this audience.
    pub fn new(keys: VerifyingKeys, issuer: &str, audience: &str, anonymous: Anonymous) -> Self {
        let mut validation = Validation::new(keys.algorithm.of_library());
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            keys,
            validation,
            anonymous,
            cache: Cache::default(),
        }
    }

    /// The caller of a request with these headers. A token that is shown is always checked in
    /// full, also where none is needed.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        match (bearer(headers)?, self.anonymous) {
            (Some(token), _) => self.verify(token),
            (None, Anonymous::LocalOperator) => Ok(Caller::local_operator()),
            (None, Anonymous::Refused) => Err(TokenError::Missing),
        }
    }

    /// The caller that a token speaks for.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(caller) = self.cache.get(token, now) {
            return Ok(caller);
        }
        let claims = claims(token, &self.keys, &self.validation)?;
        let valid = claims.nbf.unwrap_or(0)..claims.exp.saturating_add(LEEWAY_SECONDS);
        let caller = Caller::from_claims(claims).ok_or(TokenError::Malformed)?;
        self.cache.put(token, valid, caller.clone());
        Ok(caller)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Verifier");
        debug
            .field("keys", &self.keys)
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}

/// The claims of a token that passes every check.
fn claims(
    token: &str,
    keys: &VerifyingKeys,
    validation: &Validation,
) -> Result<Claims, TokenError> {
    let header = decode_header(token).map_err(|error| reason(&error))?;
    if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_access_token) {
        return Err(TokenError::Malformed);
    }
    let key = keys
        .find(header.kid.as_deref())
        .ok_or(TokenError::Signature)?;
    let token = decode::<Claims>(token, key, validation).map_err(|error| reason(&error))?;
    Ok(token.claims)
}

/// RFC 8725, 3.11: a token that says it is of another kind (`logout+jwt`) is no access token. Some say `JWT`, those of
/// RFC 9068 `at+jwt`; a media type may leave out its `application/`.
fn is_access_token(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(typ, "jwt" | "at+jwt")
}

fn reason(error: &jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::InvalidSignature
        | ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName => TokenError::Signature,
        ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => TokenError::Time,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::Foreign,
        _ => TokenError::Malformed,
    }
}
