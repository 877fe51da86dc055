//! What the console has to know of an installation.

use std::sync::Arc;

use chassis::config::{Env, Profile, is_loopback};
use reqwest::Url;
use serde::Serialize;

use super::sign_in::Demo;

/// How people sign in.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) oidc: Option<Oidc>,
    /// In the local profile.
    pub(super) demo: Option<Arc<Demo>>,
    /// `Content-Security-Policy` of every answer.
    pub(super) policy: String,
}

/// An `OpenID` Connect provider, and what the console is called there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Oidc {
    issuer: String,
    client_id: String,
    scopes: String,
    /// For providers that make tokens for an API only when it is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
}

/// What everybody may read.
#[derive(Serialize)]
pub(super) struct Shown {
    oidc: Option<Oidc>,
    /// Whether the demo's people are offered.
    demo: bool,
}

impl Settings {
    /// Reads `CONSOLE_OIDC_ISSUER`, `CONSOLE_OIDC_CLIENT_ID`, `CONSOLE_OIDC_SCOPES` and `CONSOLE_OIDC_AUDIENCE`, and in the local
    /// profile what tokens are signed with.
    pub(super) fn read(env: &mut Env) -> Self {
        let profile = Profile::read(env);
        let oidc = Oidc::read(env, profile);
        let demo = if profile.is_local() {
            Demo::read(env)
        } else {
            None
        };
        let policy = policy(oidc.as_ref().map(|oidc| oidc.issuer.as_str()));
        Self {
            oidc,
            demo: demo.map(Arc::new),
            policy,
        }
    }

    pub(super) fn shown(&self) -> Shown {
        Shown {
            oidc: self.oidc.clone(),
            demo: self.demo.is_some(),
        }
    }
}

const ISSUER: &str = "CONSOLE_OIDC_ISSUER";
const CLIENT: &str = "CONSOLE_OIDC_CLIENT_ID";

impl Oidc {
    fn read(env: &mut Env, profile: Profile) -> Option<Self> {
        let example = "https://id.example.com/realms/partners";
        let issuer: Option<Url> = env.optional(ISSUER, example);
        let client_id = env.text(CLIENT);
        let scopes = env.or("CONSOLE_OIDC_SCOPES", "openid profile email".to_owned());
        let audience = env.text("CONSOLE_OIDC_AUDIENCE");
        match (&issuer, &client_id) {
            (Some(_), None) => {
                env.report(CLIENT, "is not set, and the issuer is", "tributary-console");
            }
            (None, Some(_)) if !env.is_given(ISSUER) => {
                env.report(ISSUER, "is not set, and the client's id is", example);
            }
            _ => {}
        }
        let (issuer, client_id) = (issuer?, client_id?);
        if !is_acceptable(&issuer, profile) {
            let what = "must be https (http to this machine or for TRIBUTARY_PROFILE=local only), without a password, query or fragment";
            env.report(ISSUER, what, example);
            return None;
        }
        // As the provider's own document names it: compared letter by letter (OpenID Connect Discovery 1.0, 4.3).
        let issuer = env.text(ISSUER).unwrap_or_default().trim().to_owned();
        Some(Self {
            issuer,
            client_id,
            scopes,
            audience,
        })
    }
}

fn is_acceptable(issuer: &Url, profile: Profile) -> bool {
    let loopback = issuer.host_str().is_some_and(is_loopback);
    let by_scheme = match issuer.scheme() {
        "https" => true,
        "http" => loopback || profile.is_local(),
        _ => false,
    };
    let is_bare = issuer.username().is_empty() && issuer.password().is_none();
    by_scheme && is_bare && issuer.query().is_none() && issuer.fragment().is_none()
}

/// Nothing runs and nothing is fetched but what is ours; QR codes are images of data.
fn policy(issuer: Option<&str>) -> String {
    let origin = issuer.and_then(|issuer| Url::parse(issuer).ok());
    let origin = origin.map_or_else(String::new, |url| {
        format!(" {}", url.origin().ascii_serialization())
    });
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{origin}; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types svelte-trusted-html"
    )
}
