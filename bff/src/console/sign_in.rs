//! `POST /console/sign-in/{person}`, in the local profile alone: a token of one of the demo's people, for who sits at this machine.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use chassis::auth::{ClaimNames, Claims, Role, SigningKey};
use chassis::config::{Env, is_loopback};
use chassis::json::Json;
use chassis::params::Path;
use chassis::problem::Problem;
use secrecy::SecretString;
use serde::Serialize;

use super::settings::Settings;

/// How long a token of the demo's is good, in seconds; the console asks for another in time.
const LIFETIME: u64 = 900;

/// Signs for the demo's people.
pub(super) struct Demo {
    key: SigningKey,
    issuer: String,
    audience: String,
    names: ClaimNames,
}

/// As whom.
#[derive(Clone, Copy)]
enum Person {
    Partner,
    Brand,
    Operator,
}

impl Person {
    fn named(name: &str) -> Option<Self> {
        match name {
            "partner" => Some(Self::Partner),
            "brand" => Some(Self::Brand),
            "operator" => Some(Self::Operator),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct SignedIn {
    token: String,
    expires_in: u64,
}

impl Demo {
    /// Nobody signs in where tokens are another's to make.
    pub(super) fn read(env: &mut Env) -> Option<Self> {
        let issuer = env.or("JWT_ISSUER", "tributary".to_owned());
        let audience = env.or("JWT_AUDIENCE", "tributary".to_owned());
        let names = ClaimNames::read(env);
        let by_secret = env.or("JWT_ALGORITHM", "HS256".to_owned()) == "HS256";
        let secret = env.text("JWT_SECRET_KEY").filter(|_| by_secret)?;
        let key = SigningKey::secret(&SecretString::from(secret)).ok()?;
        Some(Self {
            key,
            issuer,
            audience,
            names,
        })
    }

    fn token(&self, person: Person) -> Result<String, Problem> {
        let claims = |subject| Claims::new(subject, &self.issuer, &self.audience, LIFETIME);
        let claims = match person {
            Person::Partner => claims("partner123").partner("partner123"),
            Person::Brand => claims("brand123").brand("brand123"),
            Person::Operator => claims("operator123").role(Role::Operator),
        };
        let token = self.key.mint(&self.names.token(&claims));
        token.map_err(|error| Problem::internal(&error))
    }
}

/// A page of another site could send this and not read the answer; it is refused all the same.
pub(super) async fn sign_in(
    State(settings): State<Settings>,
    headers: HeaderMap,
    Path(person): Path<String>,
) -> Result<Response, Problem> {
    let demo = settings.demo.as_deref().ok_or_else(Problem::not_found)?;
    let person = Person::named(&person).ok_or_else(Problem::not_found)?;
    if ![HOST, ORIGIN]
        .iter()
        .all(|name| is_this_machine(&headers, name))
    {
        return Err(Problem::forbidden(
            "the demo's people sign in at this machine only: open the console at localhost",
        ));
    }
    let signed_in = SignedIn {
        token: demo.token(person)?,
        expires_in: LIFETIME,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(signed_in)).into_response())
}

/// Whether a header names this machine, wherever it is given.
fn is_this_machine(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().all(|value| {
        let text = value.to_str().unwrap_or_default();
        let authority = text
            .split_once("://")
            .map_or(text, |(_, authority)| authority);
        let authority = authority.parse::<Authority>();
        authority.is_ok_and(|it| is_loopback(it.host()) || it.host().ends_with(".localhost"))
    })
}
