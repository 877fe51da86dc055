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
    /// Reads `JWT_ALGORITHM`, `JWT_SECRET_KEY` or `JWT_PUBLIC_KEY` or `JWT_JWKS`,
    /// `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_REQUIRE_VALIDATION` and `DIRECT_HTTP_AUTH`.
    pub fn read(env: &mut Env, profile: Profile, surface: Surface) -> Self {
        let algorithm = env.or("JWT_ALGORITHM", Algorithm::Hs256);
        let keys = match algorithm {
            Algorithm::Hs256 => secret(env),
            _ => public(env, algorithm),
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

fn public(env: &mut Env, algorithm: Algorithm) -> Option<VerifyingKeys> {
    let (pem, jwks) = ("JWT_PUBLIC_KEY", "JWT_JWKS");
    let (name, example, keys) = match (env.is_given(pem), env.is_given(jwks)) {
        (true, false) => {
            let text = env.text("JWT_PUBLIC_KEY")?;
            (
                pem,
                "-----BEGIN PUBLIC KEY-----…",
                VerifyingKeys::pem(algorithm, text.as_bytes()),
            )
        }
        (false, true) => {
            let text = env.text("JWT_JWKS")?;
            (
                jwks,
                r#"{"keys": […]}"#,
                VerifyingKeys::jwks(algorithm, &text),
            )
        }
        _ => {
            let what = format!(
                "or {jwks}_FILE, one of the two, must be set for JWT_ALGORITHM={algorithm}"
            );
            env.report(&format!("{pem}_FILE"), what, "/etc/tributary/jwt.pem");
            return None;
        }
    };
    let problem = |error: KeyError| env.report(name, error.to_string(), example);
    keys.map_err(problem).ok()
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
