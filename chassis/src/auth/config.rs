//! Token settings from the environment.

use super::keys::SHORTEST_SECRET;
use super::{Algorithm, Anonymous, KeyError, Verifier, VerifyingKeys};
use crate::config::{Env, Profile};

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
    keys: Option<VerifyingKeys>,
}

impl AuthConfig {
    /// Reads `JWT_ALGORITHM`, `JWT_SECRET_KEY` or `JWT_PUBLIC_KEY_FILE` or `JWT_JWKS_FILE`,
    /// `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_REQUIRE_VALIDATION` and `DIRECT_HTTP_AUTH`.
    pub fn read(env: &mut Env, profile: Profile, surface: Surface) -> Self {
        let algorithm = env.or("JWT_ALGORITHM", Algorithm::Hs256);
        let keys = match algorithm {
            Algorithm::Hs256 => secret(env),
            _ => file(env, algorithm),
        };
        Self {
            issuer: env.or("JWT_ISSUER", "tributary".to_owned()),
            audience: env.or("JWT_AUDIENCE", "tributary".to_owned()),
            anonymous: anonymous(env, profile, surface),
            keys,
        }
    }

    /// The verifier, once [`Env::finish`] found nothing wrong; until then there may be none.
    pub fn verifier(self) -> Option<Verifier> {
        if self.anonymous == Anonymous::LocalOperator {
            tracing::warn!(
                "requests without a token are taken as the local operator: for local use only"
            );
        }
        Some(Verifier::new(
            self.keys?,
            &self.issuer,
            &self.audience,
            self.anonymous,
        ))
    }
}

fn secret(env: &mut Env) -> Option<VerifyingKeys> {
    let secret = env.secret("JWT_SECRET_KEY", SHORTEST_SECRET);
    VerifyingKeys::secret(&secret).ok()
}

fn file(env: &mut Env, algorithm: Algorithm) -> Option<VerifyingKeys> {
    let (pem, jwks) = ("JWT_PUBLIC_KEY_FILE", "JWT_JWKS_FILE");
    let given = |env: &Env, name: &str| env.text(name).map(str::to_owned);
    match (given(env, pem), given(env, jwks)) {
        (Some(path), None) => {
            let example = "/etc/tributary/jwt.pem";
            load(env, pem, &path, example, |text| {
                VerifyingKeys::pem(algorithm, text.as_bytes())
            })
        }
        (None, Some(path)) => {
            let example = "/etc/tributary/jwks.json";
            load(env, jwks, &path, example, |text| {
                VerifyingKeys::jwks(algorithm, text)
            })
        }
        _ => {
            let what =
                format!("or {jwks}, one of the two, must be set for JWT_ALGORITHM={algorithm}");
            env.report(pem, what, "/etc/tributary/jwt.pem");
            None
        }
    }
}

fn load(
    env: &mut Env,
    name: &str,
    path: &str,
    example: &str,
    read: impl Fn(&str) -> Result<VerifyingKeys, KeyError>,
) -> Option<VerifyingKeys> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("names {path}: {error}"));
    let keys = text.and_then(|text| read(&text).map_err(|error| format!("names {path}: {error}")));
    keys.map_err(|what| env.report(name, what, example)).ok()
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
