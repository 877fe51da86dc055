//! Which CRM there is, as the environment says it.

use chassis::config::{Env, Profile};
use reqwest::{Client, Url};

use super::{ContactsApi, Crm, HubSpot};
use crate::read_timeout;

const HUBSPOT: &str = "https://api.hubapi.com/";

/// The longest that one request may last, in milliseconds: a call is four as a rule, and ends before another may make it.
const MAX_TIMEOUT_MS: u64 = 25_000;

/// From `CRM_…`; `None`: there is none, and nobody becomes a contact.
///
/// # Panics
/// When the HTTP client cannot start at all.
#[expect(clippy::expect_used, reason = "start-up")]
pub(crate) fn read_crm(env: &mut Env) -> Option<Crm> {
    let api = env.text("CRM_API");
    let url: Option<Url> = env.optional("CRM_URL", "https://crm.example.com/api");
    let token = env.optional_secret("CRM_TOKEN", 1);
    let timeout = read_timeout(env, "CRM_TIMEOUT_MS", 15_000, MAX_TIMEOUT_MS);
    let api = api?;
    if api != "contacts" && api != "hubspot" {
        env.report("CRM_API", "must be contacts or hubspot", "contacts");
        return None;
    }
    let url = url.or_else(|| (api == "hubspot").then(|| HUBSPOT.parse().ok()).flatten());
    let Some(url) = url else {
        env.report(
            "CRM_URL",
            "must be set beside CRM_API",
            "https://crm.example.com/api",
        );
        return None;
    };
    let is_local = Profile::read(env).is_local();
    if url.scheme() != "https" && !(is_local && url.scheme() == "http") {
        let what =
            "would send names and a token in the clear, which only TRIBUTARY_PROFILE=local may";
        env.report("CRM_URL", what, "https://crm.example.com/api");
        return None;
    }
    let client = Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the HTTP client can be made");
    let base = below(url);
    match (api.as_str(), token) {
        ("hubspot", Some(token)) => Some(Crm::HubSpot(HubSpot {
            client,
            base,
            token,
        })),
        ("hubspot", None) => {
            env.report("CRM_TOKEN", "must be set beside CRM_API", "pat-eu1-…");
            None
        }
        (_, token) => Some(Crm::Contacts(ContactsApi {
            client,
            base,
            token,
        })),
    }
}

/// The address with a slash at its end: paths are joined to it.
fn below(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_not_last_until_another_would_make_it() {
        for (millis, is_taken) in [("25000", true), ("25001", false), ("0", false)] {
            let mut env = Env::from_map([("CRM_TIMEOUT_MS", millis)]);
            read_crm(&mut env);
            assert_eq!(env.finish().is_ok(), is_taken, "{millis}");
        }
    }
}
