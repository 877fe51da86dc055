//! How to reach the service's database, and whether its server must prove who it is.

use std::str::FromStr;

use chassis::config::{Env, Profile, is_loopback};
use messaging::tls::Authorities;
use reqwest::Url;
use schemas::Service;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

const MODE: &str = "DATABASE_SSL_MODE";
const ROOT_CERT: &str = "DATABASE_SSL_ROOT_CERT";

/// `<SERVICE>_DATABASE_URL`, or a server's with `<SERVICE>_DB_PASSWORD`; over it `DATABASE_SSL_MODE` and
/// `DATABASE_SSL_ROOT_CERT` where the URL does not say `sslmode` or `sslrootcert` itself.
pub(super) fn read(
    env: &mut Env,
    service: Service,
    profile: Profile,
    warnings: &mut Vec<String>,
) -> PgConnectOptions {
    let name = format!("{}_DATABASE_URL", service.name().to_uppercase());
    let (url, password) = read_url(env, service, &name);
    if env.is_given("DATABASE_URL") && env.is_given(&name) {
        warnings.push(format!(
            "DATABASE_URL is passed over: each service has a database of its own, here {name}"
        ));
    }
    let mode = env.optional("DATABASE_SSL_MODE", "verify-full");
    let root_cert = read_root_cert(env);
    let Ok(mut options) = PgConnectOptions::from_str(url.expose_secret()) else {
        let example = "postgres://tracking:…@db.example.com:5432/tracking_db?sslmode=verify-full";
        env.report(&name, "is malformed", example);
        return PgConnectOptions::new_without_pgpass();
    };
    if let Some(password) = password {
        options = options.password(password.expose_secret());
    }
    let named = UrlOptions::by(url.expose_secret());
    if let Some(file) = named.root_cert.filter(|file| !file.contains("-----BEGIN")) {
        if let Err(error) = std::fs::metadata(&file) {
            let what = format!("names sslrootcert {file}, which cannot be read: {error}");
            env.report(&name, what, "sslrootcert=/run/secrets/database-ca.pem");
        }
    } else if let Some(pem) = root_cert {
        options = options.ssl_root_cert_from_pem(pem.into_bytes());
    }
    let near = options.get_socket().is_some() || is_loopback(options.get_host());
    if !named.mode {
        options = options.ssl_mode(mode.unwrap_or_else(|| default_mode(profile, near)));
    }
    if profile == Profile::Production && !near && !proves_itself(options.get_ssl_mode()) {
        warnings.push(format!(
            "{MODE} or {name}'s sslmode is {}: nobody checks that the database is the right one{}",
            spoken(options.get_ssl_mode()),
            if is_encrypted(options.get_ssl_mode()) {
                ""
            } else {
                ", and passwords' proofs and all data may cross the network unencrypted"
            }
        ));
    }
    options
}

/// In production a database elsewhere must prove who it is, unless another mode is named.
fn default_mode(profile: Profile, near: bool) -> PgSslMode {
    match profile {
        Profile::Production if !near => PgSslMode::VerifyFull,
        Profile::Production | Profile::Local => PgSslMode::Prefer,
    }
}

fn proves_itself(mode: PgSslMode) -> bool {
    matches!(mode, PgSslMode::VerifyFull | PgSslMode::VerifyCa)
}

fn is_encrypted(mode: PgSslMode) -> bool {
    proves_itself(mode) || matches!(mode, PgSslMode::Require)
}

fn spoken(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// What a URL's own parameters say.
struct UrlOptions {
    mode: bool,
    root_cert: Option<String>,
}

impl UrlOptions {
    fn by(url: &str) -> Self {
        let url = Url::parse(url).ok();
        let find = |names: &[&str]| {
            let url = url.as_ref()?;
            let mut pairs = url.query_pairs();
            let found = pairs.find(|(name, _)| names.contains(&name.as_ref()));
            found.map(|(_, value)| value.into_owned())
        };
        Self {
            mode: find(&["sslmode", "ssl-mode"]).is_some(),
            root_cert: find(&["sslrootcert", "ssl-root-cert", "ssl-ca"]),
        }
    }
}

/// The URL, and beside it the password where that is no part of it: in a URL some of its letters would mean something else.
fn read_url(env: &mut Env, service: Service, name: &str) -> (SecretString, Option<SecretString>) {
    if let Some(url) = env.optional_secret(name, 1) {
        return (url, None);
    }
    let (role, prefix) = (service.name(), service.name().to_uppercase());
    let password = env.secret(&format!("{prefix}_DB_PASSWORD"), 1);
    let host: String = env.or("POSTGRES_HOST", "127.0.0.1".to_owned());
    let port: u16 = env.or("POSTGRES_PORT", 5432);
    let url = format!("postgres://{role}@{host}:{port}/{role}_db");
    (SecretString::from(url), Some(password))
}

fn read_root_cert(env: &mut Env) -> Option<String> {
    let pem = env.text("DATABASE_SSL_ROOT_CERT")?;
    if let Err(error) = Authorities::parse(&pem) {
        let what = format!("{error}; a file's name goes into {ROOT_CERT}_FILE");
        env.report(ROOT_CERT, what, "the text of a PEM file");
        return None;
    }
    Some(pem)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    fn mode(profile: Profile, url: &str, variable: &str) -> (PgSslMode, usize) {
        let mut env = Env::from_map([("TRACKING_DATABASE_URL", url), (MODE, variable)]);
        let mut warnings = Vec::new();
        let options = read(&mut env, Service::Tracking, profile, &mut warnings);
        env.finish().unwrap();
        (options.get_ssl_mode(), warnings.len())
    }

    #[test]
    fn a_database_elsewhere_proves_in_production_who_it_is_unless_another_mode_is_named() {
        use PgSslMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
        let there = "postgres://tracking:pw@db.example.com:5432/tracking_db";
        let here = "postgres://tracking:pw@127.0.0.1:5432/tracking_db";
        let named = "postgres://tracking:pw@db.example.com:5432/tracking_db?sslmode=require";
        for (profile, url, variable, wanted) in [
            (Profile::Production, there, "", (VerifyFull, 0)),
            (Profile::Production, there, "verify-ca", (VerifyCa, 0)),
            (Profile::Production, there, "disable", (Disable, 1)),
            (Profile::Production, named, "verify-full", (Require, 1)),
            (Profile::Production, here, "", (Prefer, 0)),
            (Profile::Local, there, "", (Prefer, 0)),
            (Profile::Local, here, "verify-full", (VerifyFull, 0)),
        ] {
            let found = mode(profile, url, variable);
            let (found_mode, wanted_mode) = (spoken(found.0), spoken(wanted.0));
            assert_eq!(
                (found_mode, found.1),
                (wanted_mode, wanted.1),
                "{url} {variable}"
            );
        }
    }

    #[test]
    fn a_plain_database_url_beside_a_services_own_is_not_passed_over_in_silence() {
        let own = "postgres://tracking:pw@127.0.0.1:5432/tracking_db";
        let plain = "postgres://everybody:secret@127.0.0.1:5432/other";
        let mut env = Env::from_map([("TRACKING_DATABASE_URL", own), ("DATABASE_URL", plain)]);
        let mut warnings = Vec::new();
        let options = read(&mut env, Service::Tracking, Profile::Local, &mut warnings);
        env.finish().unwrap();
        assert_eq!(options.get_database(), Some("tracking_db"));
        let joined = warnings.join("\n");
        assert!(
            joined.contains("DATABASE_URL is passed over") && !joined.contains("secret"),
            "{joined}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_mode_or_a_certificate_is_reported_without_the_password() {
        let url = "postgres://tracking:pw@db.example.com/tracking_db?sslrootcert=/nowhere/ca.pem";
        let mut env = Env::from_map([
            ("TRACKING_DATABASE_URL", url),
            (MODE, "verify"),
            (ROOT_CERT, "/run/secrets/ca.pem"),
        ]);
        read(&mut env, Service::Tracking, Profile::Local, &mut Vec::new());
        let error = env.finish().unwrap_err().to_string();
        for wanted in [
            "DATABASE_SSL_MODE is malformed",
            "goes into DATABASE_SSL_ROOT_CERT_FILE",
            "names sslrootcert /nowhere/ca.pem, which cannot be read",
        ] {
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
        assert!(!error.contains("pw@"), "{error}");
    }
}
