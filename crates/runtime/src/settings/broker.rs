//! How to reach the broker, and what may be sent to it.

use chassis::config::{Env, Profile, is_loopback};
use messaging::tls::Authorities;
use messaging::transport::pulsar::BrokerSettings;
use messaging::transport::token::BrokerToken;

const URL: &str = "PULSAR_SERVICE_URL";
const ADMIN_URL: &str = "PULSAR_ADMIN_URL";
const URL_EXAMPLE: &str = "pulsar+ssl://broker.example.com:6651";
/// What a broker without tokens leaves open.
const OPEN: &str = "PULSAR_TOKEN is not set: whoever reaches the broker can read every message, fill every topic and acknowledge in \
                    anybody's name; only signatures keep forged messages from having an effect. BROKER_AUTH=token turns tokens on";
const ALLOW: &str = "PULSAR_ALLOW_PLAINTEXT_TOKEN";

pub(super) fn read(
    env: &mut Env,
    profile: Profile,
    is_used: bool,
    warnings: &mut Vec<String>,
) -> BrokerSettings {
    let mut settings = BrokerSettings {
        service_url: env.or("PULSAR_SERVICE_URL", "pulsar://127.0.0.1:6650".to_owned()),
        authorities: read_authorities(env),
        token: read_token(env),
        tenant: env.or("PULSAR_TENANT", "tributary".to_owned()),
        namespace: env.or("PULSAR_NAMESPACE", "local".to_owned()),
        admin_url: None,
    };
    let has_token = settings.token.is_some();
    settings.admin_url = read_admin_url(env, profile, has_token, warnings);
    if is_used && settings.token.is_none() && !env.is_given("PULSAR_TOKEN") {
        if profile.is_local() {
            warnings.push(OPEN.to_owned());
        } else {
            let what = "is not set: without tokens whoever reaches the broker reads every message and fills every topic";
            env.report(
                "PULSAR_TOKEN",
                what,
                "the token that the broker's operator gave this service",
            );
        }
    }
    let allowed = env.or("PULSAR_ALLOW_PLAINTEXT_TOKEN", false);
    match Way::of(&settings.service_url).filter(|_| settings.service_url.starts_with("pulsar")) {
        None => env.report(
            URL,
            "must be pulsar:// or pulsar+ssl://, a host and a port",
            URL_EXAMPLE,
        ),
        Some(Way::Open) if settings.token.is_some() => {
            if profile == Profile::Production && !allowed {
                env.report(
                    URL,
                    format!("would send the token unencrypted: take pulsar+ssl://, or set {ALLOW}=true where the network itself is trusted"),
                    URL_EXAMPLE,
                );
            } else {
                warnings.push(format!("{URL} has no TLS: the broker's token and every message cross the network unencrypted"));
            }
        }
        Some(Way::Open | Way::Private) => {}
    }
    settings
}

/// Where the broker reports statistics. They are not worth a token that crosses an open network.
fn read_admin_url(
    env: &mut Env,
    profile: Profile,
    has_token: bool,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let url = env.text(ADMIN_URL)?;
    let way = Way::of(&url).filter(|_| url.starts_with("http"));
    if way.is_none() {
        let what = "must be http:// or https:// and a host";
        env.report(ADMIN_URL, what, "https://broker.example.com:8443");
    }
    if way == Some(Way::Open) && has_token && profile == Profile::Production {
        warnings.push(format!("{ADMIN_URL} has no TLS: operators see no statistics of the broker, since its token would cross the network unencrypted"));
        return None;
    }
    Some(url)
}

/// What others could read on the way to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Everything.
    Open,
    /// Nothing: it is encrypted, or does not leave the machine.
    Private,
}

impl Way {
    fn of(url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        match url.scheme() {
            "pulsar+ssl" | "https" => Some(Self::Private),
            "pulsar" | "http" if is_loopback(host) => Some(Self::Private),
            "pulsar" | "http" => Some(Self::Open),
            _ => None,
        }
    }
}

fn read_token(env: &mut Env) -> Option<BrokerToken> {
    let token = env.optional_secret("PULSAR_TOKEN", 1)?;
    let file = env.file_of("PULSAR_TOKEN");
    Some(file.map_or_else(|| token.into(), BrokerToken::InFile))
}

/// `PULSAR_TLS_CA`: certificates in PEM.
fn read_authorities(env: &mut Env) -> Option<Authorities> {
    let pem = env.text("PULSAR_TLS_CA")?;
    let read = Authorities::parse(&pem);
    if let Err(error) = &read {
        let what = format!("{error}; a file's name goes into PULSAR_TLS_CA_FILE");
        env.report("PULSAR_TLS_CA", what, "the text of a PEM file");
    }
    read.ok()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    fn problems(profile: Profile, variables: &[(&str, &str)]) -> (String, Vec<String>) {
        problems_of(profile, false, variables)
    }

    fn problems_of(
        profile: Profile,
        is_used: bool,
        variables: &[(&str, &str)],
    ) -> (String, Vec<String>) {
        let mut env = Env::from_map(variables.iter().copied());
        let mut warnings = Vec::new();
        read(&mut env, profile, is_used, &mut warnings);
        let error = env
            .finish()
            .map_or_else(|all| all.to_string(), |()| String::new());
        (error, warnings)
    }

    #[test]
    fn a_token_does_not_cross_an_open_network_in_production_unless_that_is_allowed() {
        let open = (URL, "pulsar://broker.example.com:6650");
        let token = ("PULSAR_TOKEN", "hush");
        let (reported, _) = problems(Profile::Production, &[open, token]);
        assert!(
            reported.contains("would send the token unencrypted"),
            "{reported}"
        );
        assert!(!reported.contains("hush"), "{reported}");
        for variables in [
            &[open, token, (ALLOW, "true")][..],
            &[open],
            &[(URL, "pulsar://127.0.0.1:6650"), token],
            &[(URL, "pulsar+ssl://broker.example.com:6651"), token],
        ] {
            let (reported, _) = problems(Profile::Production, variables);
            assert_eq!(reported, "", "{variables:?}");
        }
        let (reported, warnings) = problems(Profile::Local, &[open, token]);
        assert_eq!((reported.as_str(), warnings.len()), ("", 1));
    }

    #[test]
    fn a_broker_that_asks_nobody_is_refused_but_on_a_developers_machine_where_it_is_warned_of() {
        let (problems, _) = problems_of(Profile::Production, true, &[]);
        assert!(problems.contains("PULSAR_TOKEN is not set"), "{problems}");
        let (problems, warnings) = problems_of(Profile::Local, true, &[]);
        assert_eq!((problems.as_str(), warnings.len()), ("", 1), "{warnings:?}");
        for (profile, is_used, variables) in [
            (Profile::Production, false, &[][..]),
            (Profile::Production, true, &[("PULSAR_TOKEN", "hush")]),
            (Profile::Local, true, &[("PULSAR_TOKEN", "hush")]),
        ] {
            let problems = problems_of(profile, is_used, variables);
            assert_eq!(
                problems,
                (String::new(), Vec::new()),
                "{profile:?} {is_used}"
            );
        }
        let unreadable = [("PULSAR_TOKEN_FILE", "/nowhere")];
        let (problems, _) = problems_of(Profile::Production, true, &unreadable);
        assert!(problems.contains("PULSAR_TOKEN_FILE"), "{problems}");
    }

    #[test]
    fn the_admin_interface_is_not_asked_where_the_token_would_cross_an_open_network() {
        let (reported, _) = problems(Profile::Local, &[(ADMIN_URL, "pulsar://here:1")]);
        assert!(reported.contains("must be http://"), "{reported}");
        for (token, url, is_used) in [
            ("hush", "http://broker.example.com:8080", false),
            ("", "http://broker.example.com:8080", true),
            ("hush", "https://broker.example.com", true),
            ("hush", "http://127.0.0.1:8080", true),
        ] {
            let mut env = Env::from_map([("PULSAR_TOKEN", token), (ADMIN_URL, url)]);
            let mut warnings = Vec::new();
            let settings = read(&mut env, Profile::Production, false, &mut warnings);
            assert_eq!(settings.admin_url.is_some(), is_used, "{token} {url}");
            let is_warned = warnings.iter().any(|it| it.contains(ADMIN_URL));
            assert_eq!(is_warned, !is_used, "{warnings:?}");
        }
    }

    #[test]
    fn a_url_that_no_client_understands_is_reported_at_the_start() {
        for url in ["http://broker:8080", "broker:6650", "pulsar://"] {
            let (reported, _) = problems(Profile::Local, &[(URL, url)]);
            assert!(reported.contains("must be pulsar://"), "{url}: {reported}");
        }
    }

    #[test]
    fn a_path_in_place_of_certificates_is_reported_with_where_it_belongs() {
        let (reported, _) = problems(Profile::Local, &[("PULSAR_TLS_CA", "/run/secrets/ca.pem")]);
        assert!(
            reported.contains("goes into PULSAR_TLS_CA_FILE"),
            "{reported}"
        );
    }
}
