//! Token settings from the environment.

use std::time::Duration;

use url::Url;

use super::keys::MIN_SECRET_LENGTH;
use super::{Algorithm, Anonymous, ClaimNames, KeyError, RemoteKeys, Verifier, VerifyingKeys};
use crate::config::{Env, Profile, is_loopback};

/// Whose HTTP surface it is: they are opened by different variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The bff: opened by `JWT_REQUIRE_VALIDATION=false`.
    Bff,
    /// A service's own HTTP: opened by that or by `DIRECT_HTTP_AUTH=none`.
    Direct,
}

/// How tokens are made and verified.
#[derive(Debug)]
pub struct AuthConfig {
    /// `JWT_ISSUER`.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: String,
    /// What a request without a token is.
    pub anonymous: Anonymous,
    keys: Option<Keys>,
    hosts: Vec<String>,
    names: ClaimNames,
}

/// What tokens are verified with.
#[derive(Debug)]
enum Keys {
    Given(VerifyingKeys),
    At(RemoteKeys),
}

impl AuthConfig {
    /// Reads `JWT_ALGORITHM`, `JWT_SECRET_KEY` (and `JWT_ACCEPTED_SECRET_KEYS`) or `JWT_PUBLIC_KEY` or `JWT_JWKS` or
    /// `JWT_JWKS_URL`, `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_REQUIRE_VALIDATION`, `DIRECT_HTTP_AUTH`, `HTTP_ALLOWED_HOSTS` and what
    /// [`ClaimNames`] are.
    pub fn read(env: &mut Env, profile: Profile, surface: Surface) -> Self {
        let algorithm = env.or("JWT_ALGORITHM", Algorithm::Hs256);
        let keys = match algorithm {
            Algorithm::Hs256 => secret(env).map(Keys::Given),
            _ => public(env, algorithm, profile),
        };
        Self {
            issuer: env.or("JWT_ISSUER", "tributary".to_owned()),
            audience: env.or("JWT_AUDIENCE", "tributary".to_owned()),
            anonymous: anonymous(env, profile, surface),
            keys,
            hosts: hosts(env),
            names: ClaimNames::read(env),
        }
    }

    /// The verifier, once [`Env::finish`] found nothing wrong; until then there may be none.
    pub fn verifier(self) -> Option<Verifier> {
        if self.anonymous == Anonymous::LocalOperator {
            tracing::warn!(
                "requests without a token are taken as the local operator: for local use only"
            );
        }
        let (issuer, audience) = (&self.issuer, &self.audience);
        let verifier = match self.keys? {
            Keys::Given(keys) => Some(Verifier::new(keys, issuer, audience, self.anonymous)),
            Keys::At(keys) => Verifier::remote(keys, issuer, audience, self.anonymous)
                .map_err(|error| tracing::error!(error, "there is no client for JWT_JWKS_URL"))
                .ok(),
        };
        verifier.map(|verifier| verifier.under_hosts(self.hosts).named(self.names))
    }
}

fn secret(env: &mut Env) -> Option<VerifyingKeys> {
    let secret = env.secret("JWT_SECRET_KEY", MIN_SECRET_LENGTH);
    let accepted = env.secrets("JWT_ACCEPTED_SECRET_KEYS", MIN_SECRET_LENGTH);
    VerifyingKeys::secrets([&secret].into_iter().chain(&accepted)).ok()
}

/// Of the three ways to give public keys, the one that is set.
fn public(env: &mut Env, algorithm: Algorithm, profile: Profile) -> Option<Keys> {
    let names = ["JWT_PUBLIC_KEY", "JWT_JWKS", "JWT_JWKS_URL"];
    let given = names.map(|name| env.is_given(name));
    let keys = match given {
        [true, false, false] => VerifyingKeys::pem(algorithm, &env.text("JWT_PUBLIC_KEY")?),
        [false, true, false] => VerifyingKeys::jwks(algorithm, &env.text("JWT_JWKS")?),
        [false, false, true] => return remote(env, algorithm, profile).map(Keys::At),
        _ => {
            let what = format!(
                "or JWT_JWKS_FILE or JWT_JWKS_URL, one of them, must be set for JWT_ALGORITHM={algorithm}"
            );
            env.report("JWT_PUBLIC_KEY_FILE", what, "/etc/tributary/jwt.pem");
            return None;
        }
    };
    let (name, example) = if given[0] {
        (names[0], "-----BEGIN PUBLIC KEY-----…")
    } else {
        (names[1], r#"{"keys": […]}"#)
    };
    let problem = |error: KeyError| env.report(name, error.to_string(), example);
    keys.map(Keys::Given).map_err(problem).ok()
}

/// Tokens that name unknown keys, anybody's, have the document fetched no more often than this.
const FETCH_GAP: Duration = Duration::from_secs(5);
/// While the document cannot be fetched, its keys count for so long.
const MAX_STALE: Duration = Duration::from_hours(24);

fn remote(env: &mut Env, algorithm: Algorithm, profile: Profile) -> Option<RemoteKeys> {
    let example = "https://issuer.example/.well-known/jwks.json";
    let url: Option<Url> = env.optional("JWT_JWKS_URL", example);
    let refresh = Duration::from_secs(env.within("JWT_JWKS_REFRESH_SECONDS", 300, 1..=86_400));
    let keep = Duration::from_secs(env.within("JWT_JWKS_KEEP_SECONDS", 600, 0..=604_800));
    let authorities = env.text("JWT_JWKS_TLS_CA");
    let url = url?;
    if let Err(what) = check(&url, profile) {
        env.report("JWT_JWKS_URL", what, example);
        return None;
    }
    if let Some(pem) = &authorities
        && !reqwest::Certificate::from_pem_bundle(pem.as_bytes()).is_ok_and(|all| !all.is_empty())
    {
        env.report(
            "JWT_JWKS_TLS_CA",
            "holds no certificate in PEM",
            "-----BEGIN CERTIFICATE-----…",
        );
        return None;
    }
    Some(RemoteKeys {
        url,
        algorithm,
        refresh,
        gap: FETCH_GAP,
        keep,
        max_stale: MAX_STALE,
        authorities,
    })
}

/// Whoever can change the document on its way is who signs tokens.
fn check(url: &Url, profile: Profile) -> Result<(), &'static str> {
    let loopback = url.host_str().is_some_and(is_loopback);
    let fits = match url.scheme() {
        "https" => true,
        "http" => loopback || profile.is_local(),
        _ => false,
    };
    if !fits {
        return Err("must be https (http to this machine or for TRIBUTARY_PROFILE=local only)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a password: it is shown in logs");
    }
    Ok(())
}

fn hosts(env: &mut Env) -> Vec<String> {
    let text: String = env.or("HTTP_ALLOWED_HOSTS", String::new());
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_ascii_lowercase).collect()
}

fn anonymous(env: &mut Env, profile: Profile, surface: Surface) -> Anonymous {
    let validated = env.or("JWT_REQUIRE_VALIDATION", true);
    let direct: String = env.or("DIRECT_HTTP_AUTH", "token".to_owned());
    if !matches!(direct.as_str(), "token" | "none") {
        env.report("DIRECT_HTTP_AUTH", "must be token or none", "token");
    }
    for (open, name, example) in [
        (!validated, "JWT_REQUIRE_VALIDATION", "true"),
        (direct == "none", "DIRECT_HTTP_AUTH", "token"),
    ] {
        if open && !profile.is_local() {
            env.report(
                name,
                "opens the service and is for TRIBUTARY_PROFILE=local only",
                example,
            );
        }
    }
    let open = !validated || (surface == Surface::Direct && direct == "none");
    if open && profile.is_local() {
        Anonymous::LocalOperator
    } else {
        Anonymous::Refused
    }
}
