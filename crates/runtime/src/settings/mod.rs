//! What every service reads from its environment.

mod broker;
mod database;
mod producers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::password::PasswordFile;
use chassis::auth::{AuthConfig, Surface};
use chassis::config::{Env, Profile};
use chassis::http::{AddressLimits, AllowedOrigins, Limits, RateLimits, ServerConfig};
use chassis::lasting::LastingKeys;
use chassis::telemetry::TelemetryConfig;
use messaging::transport::http::InternalKey;
use messaging::transport::pulsar::BrokerSettings;
use messaging::trust::Trust;
use messaging::{Mode, Modes};
use schemas::Service;
use sqlx::postgres::PgConnectOptions;
use types::clock::Offset;
use variables::{ServiceUrl, TOPIC_PARTITIONS};

/// The shortest secret that signs anything, in bytes.
const MIN_SECRET_LENGTH: usize = 32;

/// A service's configuration, apart from what only it reads.
pub struct Settings {
    /// Where it runs.
    pub profile: Profile,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// Where it listens.
    pub server: ServerConfig,
    /// Where operators, services and Prometheus come in, when that is another port.
    pub admin: Option<SocketAddr>,
    /// What a request may cost.
    pub limits: Limits,
    /// Whose pages may read answers.
    pub origins: AllowedOrigins,
    /// How many requests one caller may make; the bff's only.
    pub rate_limits: Option<RateLimits>,
    /// What one address may ask of what is open to everybody.
    pub address_limits: AddressLimits,
    /// How to reach its database.
    pub database: PgConnectOptions,
    /// Where the password in it is read again.
    pub password_file: Option<PasswordFile>,
    /// Connections to the database at most.
    pub database_connections: u32,
    /// Tokens of people, until the start takes them.
    pub auth: Option<AuthConfig>,
    /// Tokens of services.
    pub internal_key: InternalKey,
    /// What messages are signed with, and whose signatures count.
    pub trust: Trust,
    /// What request hashes are made with.
    pub lasting_keys: LastingKeys,
    /// Everybody's mode.
    pub modes: Modes,
    /// Where everybody listens for other services.
    pub urls: BTreeMap<&'static str, String>,
    /// How to reach the broker, whether or not anybody needs one.
    pub broker: BrokerSettings,
    /// Partitions of each topic, as provisioned.
    pub partitions: u32,
    /// Where old parts of the log go; all replicas see it under this name.
    pub archive_folder: Option<PathBuf>,
    /// Positions of one partition of the log's table, for a log that is empty yet.
    pub log_partition_positions: Option<u32>,
    /// Where the test clock of a log that is empty yet begins.
    pub clock_starts: Option<Offset>,
    /// What is allowed and yet worth a line in the log of every start.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads them; what is wrong is reported by [`Env::finish`].
    pub fn read(env: &mut Env, service: Service) -> Self {
        let profile = Profile::read(env);
        let modes = read_modes(env);
        for missing in modes.missing_transports() {
            env.report("*_SERVICE_MODE", missing.to_string(), "hybrid");
        }
        let surface = if service == Service::Bff {
            Surface::Bff
        } else {
            Surface::Direct
        };
        let prefix = service.name().to_uppercase();
        let mut warnings = Vec::new();
        let internal_key = read_internal_key(env);
        let broker_is_used = uses_broker(&modes, service);
        Self {
            profile,
            telemetry: TelemetryConfig::read(env),
            server: ServerConfig::read(env, &prefix, default_address(service)),
            admin: read_admin(env, &prefix),
            limits: Limits::read(env),
            origins: AllowedOrigins::read(env),
            rate_limits: RateLimits::read(env),
            address_limits: AddressLimits::read(env),
            database: database::read(env, service, profile, &mut warnings),
            password_file: PasswordFile::of(env, service),
            database_connections: read_connections(env, &prefix),
            auth: Some(AuthConfig::read(env, profile, surface)),
            lasting_keys: LastingKeys::read(env),
            trust: Trust::new(&internal_key, producers::read(env, service)),
            internal_key,
            modes,
            urls: Service::ALL
                .into_iter()
                .map(|other| (other.name(), read_url(env, other)))
                .collect(),
            broker: broker::read(env, profile, broker_is_used, &mut warnings),
            partitions: read_partitions(env),
            archive_folder: env.optional("ARCHIVE_FOLDER", "/var/lib/tributary/archive"),
            log_partition_positions: read_log_partition(env),
            clock_starts: read_clock_starts(env, profile),
            warnings,
        }
    }
}

pub(crate) fn default_address(service: Service) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], service.port()))
}

fn read_modes(env: &mut Env) -> Modes {
    Modes::new(Service::with_topics().map(|service| {
        let name = format!("{}_SERVICE_MODE", service.name().to_uppercase());
        (service, env.or(&name, Mode::Hybrid))
    }))
}

/// Whether it publishes to the broker or follows anything there.
fn uses_broker(modes: &Modes, service: Service) -> bool {
    !modes.relayed_topics(service).is_empty() || !modes.consumes(service).is_empty()
}

/// Where other services reach this one: its second port, if it has one.
fn read_url(env: &mut Env, service: Service) -> String {
    let prefix = service.name().to_uppercase();
    let default = format!("http://{}", default_address(service));
    let mut read = |name: &str| env.optional::<ServiceUrl>(&format!("{prefix}_{name}"), &default);
    let (admin, public) = (read("ADMIN_URL"), read("SERVICE_URL"));
    admin.or(public).map_or(default, |url| url.to_string())
}

/// The second port. The others have to know of it, so there is none without its URL, and no URL without it.
pub(crate) fn read_admin(env: &mut Env, prefix: &str) -> Option<SocketAddr> {
    let [address, url] = ["ADMIN_ADDRESS", "ADMIN_URL"].map(|name| format!("{prefix}_{name}"));
    let admin = env.optional(&address, "0.0.0.0:9002");
    match (env.is_given(&address), env.is_given(&url)) {
        (true, false) => env.report(&url, "is not set, and its address is", "http://bff:9002"),
        (false, true) => env.report(&address, "is not set, and its URL is", "0.0.0.0:9002"),
        (true, true) | (false, false) => {}
    }
    admin
}

/// `INTERNAL_SECRET_KEY` signs; what `INTERNAL_ACCEPTED_SECRET_KEYS` signed is taken too.
fn read_internal_key(env: &mut Env) -> InternalKey {
    let signing = env.secret("INTERNAL_SECRET_KEY", MIN_SECRET_LENGTH);
    let accepted = env.secrets("INTERNAL_ACCEPTED_SECRET_KEYS", MIN_SECRET_LENGTH);
    InternalKey::new(signing).accepting(accepted)
}

/// With none, everything would wait for one; and no server has more than Postgres's largest `max_connections`.
fn read_connections(env: &mut Env, prefix: &str) -> u32 {
    env.within(&format!("{prefix}_DATABASE_CONNECTIONS"), 8, 1..=262_143)
}

fn read_log_partition(env: &mut Env) -> Option<u32> {
    let positions = env.optional("LOG_PARTITION_POSITIONS", "1048576");
    if positions.is_some_and(|positions: u32| positions < 64) {
        env.report("LOG_PARTITION_POSITIONS", "must be 64 or more", "1048576");
    }
    positions
}

/// The local profile alone has a clock that can be moved.
fn read_clock_starts(env: &mut Env, profile: Profile) -> Option<Offset> {
    let starts = env.optional("CLOCK_STARTS", "-90d");
    if starts.is_some() && !profile.is_local() {
        let what =
            "moves the clock that services decide by, which only TRIBUTARY_PROFILE=local may";
        env.report("CLOCK_STARTS", what, "");
    }
    starts
}

fn read_partitions(env: &mut Env) -> u32 {
    env.within("PULSAR_TOPIC_PARTITIONS", 1, TOPIC_PARTITIONS)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_reported_with_its_variable_and_what_is_expected() {
        let mut env = Env::from_map([("BFF_SERVICE_URL", "9002")]);
        read_url(&mut env, Service::Bff);
        let error = env.finish().unwrap_err().to_string();
        let wanted = "BFF_SERVICE_URL is malformed: expected http:// or https://, a host";
        assert!(error.contains(wanted), "{error}");
        assert!(error.ends_with("for example BFF_SERVICE_URL=http://127.0.0.1:8002"));
    }

    #[test]
    fn a_service_has_a_connection_to_its_database_at_least() {
        let name = "BFF_DATABASE_CONNECTIONS";
        for (given, read, is_right) in [("", 8, true), ("1", 1, true), ("0", 0, false)] {
            let mut env = Env::from_map([(name, given)]);
            assert_eq!(read_connections(&mut env, "BFF"), read);
            let reported = env.finish().err().map(|error| error.to_string());
            assert_eq!(reported.is_none(), is_right, "{reported:?}");
            assert!(reported.is_none_or(|it| it.contains(&format!("{name} must be from 1 to"))));
        }
    }

    #[test]
    fn other_services_are_reached_at_their_second_port_where_they_have_one() {
        let public = ("BFF_SERVICE_URL", "http://bff:8002/");
        let admin = ("BFF_ADMIN_URL", "http://bff:9002/");
        let read = |given: &[(&str, &str)]| {
            read_url(&mut Env::from_map(given.iter().copied()), Service::Bff)
        };
        assert_eq!(read(&[]), "http://127.0.0.1:8002");
        assert_eq!(read(&[public]), "http://bff:8002");
        assert_eq!(read(&[public, admin]), "http://bff:9002");
    }

    #[test]
    fn keys_between_services_that_can_be_guessed_are_refused_except_on_a_developers_machine() {
        let random = "9f86d081884c7d659a2feaa0c55ad015";
        let one_letter = "a".repeat(32);
        for (signing, accepted, profile, named) in [
            (
                &*one_letter,
                random,
                "production",
                "INTERNAL_SECRET_KEY can",
            ),
            (
                random,
                &*one_letter,
                "production",
                "INTERNAL_ACCEPTED_SECRET_KEYS can",
            ),
            (random, random, "production", ""),
            (&one_letter, &one_letter, "local", ""),
        ] {
            let mut env = Env::from_map([
                ("TRIBUTARY_PROFILE", profile),
                ("INTERNAL_SECRET_KEY", signing),
                ("INTERNAL_ACCEPTED_SECRET_KEYS", accepted),
            ]);
            read_internal_key(&mut env);
            let reported = env.finish().err().map(|error| error.to_string());
            assert_eq!(reported.is_none(), named.is_empty(), "{reported:?}");
            assert!(reported.unwrap_or_default().contains(named));
        }
    }

    #[test]
    fn a_log_begins_in_the_past_on_a_developers_machine_alone() {
        for (profile, given, problem) in [
            ("local", "-90d", None),
            ("local", "yesterday", Some("CLOCK_STARTS is malformed")),
            ("production", "-90d", Some("CLOCK_STARTS moves the clock")),
            ("production", "", None),
        ] {
            let mut env = Env::from_map([("TRIBUTARY_PROFILE", profile), ("CLOCK_STARTS", given)]);
            let profile = Profile::read(&mut env);
            read_clock_starts(&mut env, profile);
            let reported = env.finish().err().map(|error| error.to_string());
            assert_eq!(reported.is_some(), problem.is_some(), "{reported:?}");
            assert!(
                reported
                    .unwrap_or_default()
                    .contains(problem.unwrap_or_default())
            );
        }
    }

    #[test]
    fn a_second_port_needs_its_address_and_its_url() {
        let (address, url) = (
            ("BFF_ADMIN_ADDRESS", "0.0.0.0:9002"),
            ("BFF_ADMIN_URL", "http://bff:9002"),
        );
        for (given, lacking) in [
            (vec![], None),
            (vec![address, url], None),
            (vec![address], Some("BFF_ADMIN_URL")),
            (vec![url], Some("BFF_ADMIN_ADDRESS")),
        ] {
            let mut env = Env::from_map(given);
            read_admin(&mut env, "BFF");
            let reported = env.finish().err().map(|error| error.to_string());
            assert_eq!(reported.is_some(), lacking.is_some(), "{reported:?}");
            let named = lacking
                .is_none_or(|name| reported.unwrap().contains(&format!("{name} is not set")));
            assert!(named, "{lacking:?}");
        }
    }
}
