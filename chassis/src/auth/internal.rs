//! Service to service: short-lived tokens of their own, for one follower each.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jsonwebtoken::Validation;
use secrecy::SecretString;

use super::verifier::claims;
use super::{
    Claims, KeyError, LEEWAY_SECONDS, SigningKey, TokenError, VerifyingKeys, bearer, caller,
};
use crate::problem::Problem;

const ISSUER: &str = "tributary-internal";
const LIFETIME_SECONDS: u64 = 60;

/// `INTERNAL_SECRET_KEY` in the hands of one service.
pub struct InternalKey {
    me: String,
    signing: SigningKey,
    verifying: VerifyingKeys,
    validation: Validation,
}

/// The service that sent this request. An extractor that answers 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub service: String,
}

impl InternalKey {
    /// The key of the service of this name.
    pub fn new(me: &str, secret: &SecretString) -> Result<Self, KeyError> {
        let verifying = VerifyingKeys::secret(secret)?;
        let mut validation = Validation::new(verifying.algorithm.of_library());
        validation.leeway = LEEWAY_SECONDS;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[me]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Self {
            me: me.to_owned(),
            signing: SigningKey::secret(secret)?,
            verifying,
            validation,
        })
    }

    /// A token that opens the internal routes of one other service for a minute.
    pub fn token_for(&self, follower: &str) -> Result<String, KeyError> {
        self.signing
            .mint(&Claims::new(&self.me, ISSUER, follower, LIFETIME_SECONDS))
    }

    /// The sender of a request with these headers.
    pub fn peer(&self, headers: &HeaderMap) -> Result<Peer, TokenError> {
        let token = bearer(headers)?.ok_or(TokenError::Missing)?;
        let claims = claims(token, &self.verifying, &self.validation)?;
        Ok(Peer {
            service: claims.sub,
        })
    }
}

impl fmt::Debug for InternalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternalKey")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = parts.extensions.get::<Arc<InternalKey>>();
        let key = key.ok_or_else(|| Problem::internal(&"the shell has no internal key"))?;
        key.peer(&parts.headers).map_err(caller::refused)
    }
}
