//! Where visitors follow links.

use std::sync::OnceLock;

use chassis::config::Env;
use variables::ServiceUrl;

use crate::base_url;

static BASE: OnceLock<Option<ServiceUrl>> = OnceLock::new();

/// Reads `LINK_BASE_URL`, under which visitors reach tracking: `https://go.example.com`. Absent, in the local profile:
/// `TRACKING_SERVICE_URL`; elsewhere links have no address in full.
pub fn read_base(env: &mut Env) {
    BASE.get_or_init(|| base(env));
}

fn base(env: &mut Env) -> Option<ServiceUrl> {
    base_url::read(
        env,
        ("LINK_BASE_URL", "https://go.example.com"),
        ("TRACKING_SERVICE_URL", "http://127.0.0.1:8000"),
    )
}

/// Where visitors follow this link, if it is known.
pub fn of(code: &str) -> Option<String> {
    let base = BASE.get()?.as_ref()?;
    Some(format!("{base}{}", path(code)))
}

/// The same without the host.
pub fn path(code: &str) -> String {
    format!("/c/{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_at_the_named_address_and_on_a_developers_machine_at_tracking() {
        let (local, base_url, tracking) = (
            ("TRIBUTARY_PROFILE", "local"),
            ("LINK_BASE_URL", "https://go.example.com/"),
            ("TRACKING_SERVICE_URL", "http://127.0.0.1:8000"),
        );
        for (variables, expected) in [
            (
                vec![local, base_url, tracking],
                Some("https://go.example.com"),
            ),
            (vec![local, tracking], Some("http://127.0.0.1:8000")),
            (vec![base_url, tracking], Some("https://go.example.com")),
            (vec![tracking], None),
        ] {
            let mut env = Env::from_map(variables);
            let base = base(&mut env).map(|url| url.to_string());
            assert_eq!(base.as_deref(), expected);
            assert!(env.finish().is_ok());
        }
    }
}
