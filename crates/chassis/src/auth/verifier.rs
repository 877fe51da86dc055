//! From a request's token to its caller.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::http::HeaderMap;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use types::API_KEY_START;

use super::api_keys::ApiKeys;
use super::known::Current;
use super::remote::{Remote, RemoteKeys};
use super::{
    Algorithm, ApiKeyTable, Caller, ClaimNames, Claims, LEEWAY_SECONDS, VerifyingKeys, bearer,
};
use crate::http::{ReadyCheck, host};

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
    /// It names a key that is not in the key set.
    #[error("the token is not signed with a key that counts here")]
    UnknownKey,
    /// The key set could not be fetched yet, so nothing can be said of any token.
    #[error("tokens cannot be verified yet: the key set was not fetched")]
    NoKeys,
    /// No API key that there is, or one that is revoked or over.
    #[error("the API key is unknown, revoked or expired")]
    ApiKey,
    /// An API key, and none is taken here.
    #[error("this service takes no API keys: the bff and tracking do")]
    ApiKeyNotTaken,
    /// The database that has them does not answer.
    #[error("API keys cannot be looked up at this moment")]
    ApiKeysUnavailable,
    /// Over, or not begun.
    #[error("the token is not valid at this time")]
    Time,
    /// Another issuer, or for others.
    #[error("the token is not from or not for this system")]
    NotForUs,
    /// There is none, and the host's name could be any site's.
    #[error(
        "without a token, only this machine's addresses and the names in HTTP_ALLOWED_HOSTS are answered"
    )]
    Host,
    /// There is none, and a browser asks for a page that is not ours.
    #[error(
        "without a token, no page is answered but this machine's and those of the names in HTTP_ALLOWED_HOSTS"
    )]
    Origin,
}

/// Verifies tokens by signature, algorithm, issuer, audience and time.
pub struct Verifier {
    current: Current,
    remote: Option<Arc<Remote>>,
    validation: Validation,
    anonymous: Anonymous,
    hosts: Vec<String>,
    names: ClaimNames,
    api_keys: Option<ApiKeys>,
}

impl Verifier {
    /// Takes tokens of this issuer for this audience.
    pub fn new(keys: VerifyingKeys, issuer: &str, audience: &str, anonymous: Anonymous) -> Self {
        let algorithm = keys.algorithm;
        let current = Current::default();
        current.set(Some(keys));
        Self {
            current,
            remote: None,
            validation: validation(algorithm, issuer, audience),
            anonymous,
            hosts: Vec::new(),
            names: ClaimNames::default(),
            api_keys: None,
        }
    }

    /// Under these names, too, a request without a token is the local operator's.
    #[must_use]
    pub fn under_hosts(self, hosts: Vec<String>) -> Self {
        Self { hosts, ..self }
    }

    /// Tokens say what they say under these names.
    #[must_use]
    pub fn named(self, names: ClaimNames) -> Self {
        Self { names, ..self }
    }

    /// API keys are taken, too: those of this table.
    #[must_use]
    pub fn with_api_keys(self, table: Arc<dyn ApiKeyTable>) -> Self {
        Self {
            api_keys: Some(ApiKeys::of(table)),
            ..self
        }
    }

    /// The same with the keys of a document, once [`Verifier::refresh`] runs.
    ///
    /// # Errors
    /// What keeps a client for the document from being made, such as authorities that are no certificates.
    pub fn remote(
        keys: RemoteKeys,
        issuer: &str,
        audience: &str,
        anonymous: Anonymous,
    ) -> Result<Self, String> {
        let validation = validation(keys.algorithm, issuer, audience);
        let current = Current::default();
        let remote = Remote::new(keys, current.clone()).map_err(|error| error.to_string())?;
        Ok(Self {
            current,
            remote: Some(Arc::new(remote)),
            validation,
            anonymous,
            hosts: Vec::new(),
            names: ClaimNames::default(),
            api_keys: None,
        })
    }

    /// Keeps a key set at a URL fresh; `None` when the keys are given.
    pub fn refresh(
        &self,
        stop: CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        // There from the start, also where nothing is fetched.
        metrics::gauge!("jwt_keys_failing").set(0.0);
        Some(Arc::clone(self.remote.as_ref()?).run(stop))
    }

    /// Whether a key set at a URL is there and fresh; `None` when the keys are given. Whoever had keys once stays ready without: its other
    /// processes have none either, and most of what is asked for needs none.
    pub fn readiness(&self) -> Option<ReadyCheck> {
        const NAME: &str = "jwt_keys";
        let remote = self.remote.as_ref()?;
        let failure = remote.failure();
        let usable = self.current.get().keys.is_some();
        Some(match failure {
            None if usable => ReadyCheck::passed(NAME),
            Some(failure) if usable => ReadyCheck::passed(NAME).with_detail(format!(
                "{failure}; the keys of before count for up to a day"
            )),
            Some(failure) if remote.had_keys() => ReadyCheck::passed(NAME).with_detail(format!(
                "{failure}; the keys of before count no more, so no token does"
            )),
            failure => ReadyCheck::failed(
                NAME,
                failure.unwrap_or_else(|| "the key set is being fetched".to_owned()),
            ),
        })
    }

    /// The caller of a request with these headers. A token that is shown is always checked in
    /// full, also where none is needed.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        self.shown_by(bearer(headers)?, headers)
    }

    /// The same; a token of a key that is not known waits until the key set at the URL was fetched again. An API key is looked up
    /// where they are taken.
    pub async fn caller_by_fresh_keys(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        let token = bearer(headers)?;
        if let Some(key) = token.filter(|token| token.starts_with(API_KEY_START)) {
            let keys = self.api_keys.as_ref().ok_or(TokenError::ApiKeyNotTaken)?;
            return keys.caller(key).await;
        }
        let shown = self.shown_by(token, headers);
        match (&shown, &self.remote) {
            (Err(TokenError::UnknownKey | TokenError::NoKeys), Some(remote)) => {
                remote.refreshed().await;
                self.shown_by(token, headers)
            }
            _ => shown,
        }
    }

    fn shown_by(&self, token: Option<&str>, headers: &HeaderMap) -> Result<Caller, TokenError> {
        match (token, self.anonymous) {
            (Some(token), _) => self.verify(token),
            (None, Anonymous::LocalOperator) => self.local(headers),
            (None, Anonymous::Refused) => Err(TokenError::Missing),
        }
    }

    /// The local operator, unless a page of somebody else's may ask: by a name of its own that it lets point here, or as
    /// browsers let every page ask everywhere.
    fn local(&self, headers: &HeaderMap) -> Result<Caller, TokenError> {
        let is_configured = |host: &String| self.hosts.contains(host);
        let named = host::name(headers);
        let named = named.filter(|host| host::is_no_sites(host) || is_configured(host));
        let named = named.ok_or(TokenError::Host)?;
        let shows_ours =
            |page: &String| *page == named || host::is_this_machine(page) || is_configured(page);
        let mut pages = host::origins(headers);
        let all_ours = pages.all(|page| page.as_ref().is_some_and(shows_ours));
        all_ours
            .then(Caller::local_operator)
            .ok_or(TokenError::Origin)
    }

    /// The caller that a token speaks for, by the keys there are now.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let known = self.current.get();
        let keys = known.keys.as_ref().ok_or(TokenError::NoKeys)?;
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(caller) = known.tokens.get(token, now) {
            return Ok(caller);
        }
        let claims = claims(token, keys, &self.validation, &self.names)?;
        let valid = claims.nbf.unwrap_or(0)..claims.exp.saturating_add(LEEWAY_SECONDS);
        let caller = Caller::from_claims(claims).ok_or(TokenError::Malformed)?;
        known.tokens.put(token, valid, caller.clone());
        Ok(caller)
    }
}

fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm.of_library());
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Verifier");
        debug
            .field("keys", &self.current.get().keys)
            .field("remote", &self.remote)
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}

/// The claims of a token that passes every check.
fn claims(
    token: &str,
    keys: &VerifyingKeys,
    validation: &Validation,
    names: &ClaimNames,
) -> Result<Claims, TokenError> {
    let header = decode_header(token).map_err(|error| reason(&error))?;
    if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_access_token) {
        return Err(TokenError::Malformed);
    }
    if header.alg != keys.algorithm.of_library() {
        return Err(TokenError::Signature);
    }
    let mut refused = TokenError::UnknownKey;
    for key in keys.candidates(header.kid.as_deref()) {
        match decode::<Box<RawValue>>(token, key, validation) {
            Ok(token) => {
                let claims = names
                    .claims(token.claims.get())
                    .ok_or(TokenError::Malformed)?;
                if is_from_the_future(&claims) {
                    return Err(TokenError::Time);
                }
                return Ok(claims);
            }
            Err(error) => refused = reason(&error),
        }
        // Signed with this key, but wrong in another way.
        if refused != TokenError::Signature {
            break;
        }
    }
    Err(refused)
}

/// RFC 7519 asks nothing of `iat`; but a token that was made tomorrow was not made by an issuer with a right clock, and what
/// is done by age (which keys signed what, what was revoked when) would be wrong for it.
fn is_from_the_future(claims: &Claims) -> bool {
    let now = jsonwebtoken::get_current_timestamp();
    let made = claims.iat.unwrap_or(0);
    made > now.saturating_add(LEEWAY_SECONDS)
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
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::NotForUs,
        _ => TokenError::Malformed,
    }
}
