//! Tokens of services for each other: each names who sends, to whom, and what, and lives for a moment.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use schemas::Service;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::relay::TransportError;

/// Lifetime of a token, in seconds.
const TOKEN_SECONDS: i64 = 45;
/// The longest lifetime that is taken.
const MAX_SECONDS: i64 = 60;
/// By so much may clocks of services differ, in seconds.
const SKEW_SECONDS: i64 = 10;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    /// Digest of the request's body; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// What a token says.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Who sends.
    pub by: Service,
    body: Option<String>,
}

impl Sent {
    /// Whether it was sent with this body.
    pub(crate) fn is_with(&self, body: &[u8]) -> bool {
        self.body.as_deref() == Some(digest(body).as_str())
    }
}

/// What who has no such token is answered with.
pub const TOKEN_NEEDED: &str = "a token of another service is needed";

/// The key that services sign their tokens with, and others that they take tokens of.
#[derive(Clone)]
pub struct InternalKey {
    signing: SecretString,
    accepted: Vec<SecretString>,
}

impl InternalKey {
    /// From `INTERNAL_SECRET_KEY`.
    pub fn new(secret: SecretString) -> Self {
        Self {
            signing: secret,
            accepted: Vec::new(),
        }
    }

    /// Takes tokens that these signed, too: while a key is changed, services that have the new one and others that do not
    /// yet speak to each other.
    #[must_use]
    pub fn accepting(self, accepted: Vec<SecretString>) -> Self {
        Self { accepted, ..self }
    }

    /// The one that signs first.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.signing).chain(&self.accepted)
    }

    /// A token for one request, with this body if it has one.
    pub(crate) fn sign(
        &self,
        from: Service,
        to: Service,
        body: Option<&[u8]>,
    ) -> Result<String, TransportError> {
        let now = clock::real().0 / 1_000_000;
        let claims = Claims {
            iss: from.name().to_owned(),
            aud: to.name().to_owned(),
            iat: now,
            exp: now + TOKEN_SECONDS,
            body: body.map(digest),
        };
        let key = EncodingKey::from_secret(self.signing.expose_secret().as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), &claims, &key)
            .map_err(TransportError::refused)
    }

    /// Who asks `me` with this body, by its bearer token; `None` of whoever is no other service.
    pub fn asker(&self, headers: &HeaderMap, me: Service, body: &[u8]) -> Option<Service> {
        let sent = self.verify(headers, me)?;
        sent.is_with(body).then_some(sent.by)
    }

    /// Whether a service signed the bearer token of a request to `me`, whatever its body is.
    pub fn is_signed(&self, headers: &HeaderMap, me: Service) -> bool {
        self.verify(headers, me).is_some()
    }

    /// Who signed the bearer token of a request to `me`.
    pub(crate) fn verify(&self, headers: &HeaderMap, me: Service) -> Option<Sent> {
        let token = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[me.name()]);
        validation.leeway = SKEW_SECONDS.unsigned_abs();
        let claims = self.secrets().find_map(|secret| {
            let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
            let data = jsonwebtoken::decode::<Claims>(token, &key, &validation);
            Some(data.ok()?.claims)
        })?;
        let now = clock::real().0 / 1_000_000;
        let lasting = claims.exp.checked_sub(claims.iat)?;
        if claims.iat > now + SKEW_SECONDS || !(0..=MAX_SECONDS).contains(&lasting) {
            return None;
        }
        Some(Sent {
            by: Service::parse(&claims.iss)?,
            body: claims.body,
        })
    }
}

fn digest(body: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(body))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a key between services, of more than 32 bytes";

    fn key() -> InternalKey {
        InternalKey::new(SecretString::from(SECRET))
    }

    fn taken(token: &str) -> Option<Sent> {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {token}").parse().unwrap();
        headers.insert(header::AUTHORIZATION, bearer);
        key().verify(&headers, Service::Payment)
    }

    fn with(change: &Value) -> String {
        let now = clock::real().0 / 1_000_000;
        let mut claims =
            json!({"iss": "commission", "aud": "payment", "iat": now, "exp": now + 60});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    }

    #[test]
    fn a_token_names_its_sender_its_receiver_and_its_body() {
        let token = key().sign(Service::Commission, Service::Payment, Some(b"batch"));
        let sent = taken(&token.unwrap()).unwrap();
        assert_eq!(sent.by, Service::Commission);
        assert!(sent.is_with(b"batch") && !sent.is_with(b"botch"));
        let bare = key().sign(Service::Commission, Service::Payment, None);
        assert!(!taken(&bare.unwrap()).unwrap().is_with(b""));
        let other = key().sign(Service::Commission, Service::Tracking, None);
        assert!(taken(&other.unwrap()).is_none());
    }

    #[test]
    fn a_token_that_lives_long_is_of_the_future_or_is_over_is_none() {
        let now = clock::real().0 / 1_000_000;
        assert!(taken(&with(&json!({}))).is_some());
        for (what, change) in [
            ("far exp", json!({"exp": now + 3_600})),
            ("of the future", json!({"iat": now + 30, "exp": now + 60})),
            ("over", json!({"iat": now - 80, "exp": now - 20})),
            ("ends before it begins", json!({"iat": now, "exp": now - 1})),
            ("no time", json!({"iat": null})),
            (
                "beyond all numbers",
                json!({"iat": i64::MIN, "exp": i64::MAX}),
            ),
            ("of nobody", json!({"iss": "nobody"})),
        ] {
            assert!(taken(&with(&change)).is_none(), "{what}");
        }
    }
}
