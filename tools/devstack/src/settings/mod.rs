//! The stack's variables: `.env.example`, over it the generated secrets, over them `.env`, over all the environment. In
//! place of any of them, `<name>_FILE` may name a file with its value.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::Service;
use variables::TOPIC_PARTITIONS;

mod files;
mod handed_out;
mod problems;
mod secrets;
mod tls;

pub use handed_out::Secrets;
pub(crate) use problems::refuse;
pub use secrets::compose_secrets;

use crate::layout::Layout;
use crate::producers::{self, ProducerKeys};
use crate::stack::{ADMIN_ROLE, BrokerTokens, PulsarPorts, database_name, free_port};

/// Variables by name; an empty one counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

/// How a service takes commands and sends events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// By HTTP alone; no broker.
    Http,
    /// By Pulsar alone.
    Event,
    /// By both.
    Hybrid,
}

impl Mode {
    /// The value of `<SERVICE>_SERVICE_MODE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Event => "event",
            Self::Hybrid => "hybrid",
        }
    }
}

impl Settings {
    /// Reads all layers, making the secrets that are not there yet. Outside of a clone, as in an image, there are only the
    /// defaults and the environment.
    pub fn load(layout: &Layout) -> Result<Self> {
        let mut settings = Self::example()?;
        if layout.is_clone() {
            let file = layout.state.join("secrets.env");
            secrets::make(&file)?;
            settings.overlay(Self::read(&file)?);
        } else {
            // As services have it: forgetting it is safe.
            settings.set(tls::PROFILE, "");
        }
        settings.overlay_given(layout)?;
        let database_authorities = settings.database_authorities(layout);
        files::resolve(&mut settings.0, &layout.root)?;
        if let Some(file) = database_authorities {
            settings.keep_database_authorities(&file);
        }
        if layout.is_clone() {
            settings.trust_local_servers(layout)?;
        }
        Ok(settings)
    }

    /// What `.env` and the environment say, and nothing of the defaults: what compose is to find of it in its own environment, where no
    /// file has to be read and a `$` stands for itself.
    pub fn given(layout: &Layout) -> Result<Self> {
        let known = Self::example()?.0.into_keys();
        let mut given = Self(known.map(|name| (name, String::new())).collect());
        let known: Vec<String> = given.0.keys().cloned().collect();
        given.overlay_given(layout)?;
        files::resolve(&mut given.0, &layout.root)?;
        given.0.retain(|name, _| known.contains(name));
        Ok(given)
    }

    fn overlay_given(&mut self, layout: &Layout) -> Result<()> {
        let own = layout.root.join(".env");
        if layout.is_clone() && own.exists() {
            self.overlay(Self::read(&own)?);
        }
        let names: Vec<String> = self.0.keys().cloned().collect();
        let from_environment = names
            .into_iter()
            .flat_map(|name| [files::variable(&name), name])
            .filter_map(|name| Some((name.clone(), env::var(name).ok()?)));
        self.overlay(Self(from_environment.collect()));
        Ok(())
    }

    /// The keys of the external producers that the stack knows.
    pub fn producer_keys(&self) -> ProducerKeys {
        ProducerKeys::of(self.get(producers::VARIABLE).unwrap_or_default())
    }

    /// The defaults alone.
    pub fn example() -> Result<Self> {
        parse(variables::EXAMPLE)
            .map(Self)
            .map_err(|line| anyhow::anyhow!(".env.example, line {line} is not NAME=value"))
    }

    /// The same for a stack beside others: services, broker and payout provider on ports that are free, and none of the
    /// databases that `.env` names.
    pub fn beside_others(layout: &Layout) -> Result<Self> {
        let mut settings = Self::load(layout)?;
        let here = |port| format!("http://127.0.0.1:{port}");
        for service in Service::ALL {
            settings.set(variable(service, "SERVICE_URL"), here(free_port()));
            settings.set(variable(service, "DATABASE_URL"), "");
        }
        settings.set("PAYOUT_PROVIDER_URL", here(free_port()));
        let ports = PulsarPorts::free();
        let broker = format!("pulsar://127.0.0.1:{}", ports.broker);
        settings.set("PULSAR_SERVICE_URL", broker);
        settings.set("PULSAR_ADMIN_URL", here(ports.http));
        Ok(settings)
    }

    /// Reads `NAME=value` lines; `#` begins a comment line.
    fn read(file: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        parse(&text)
            .map(Self)
            .map_err(|line| anyhow::anyhow!("{}, line {line} is not NAME=value", file.display()))
    }

    fn overlay(&mut self, other: Self) {
        files::give_way(&mut self.0, &other.0);
        // An empty line does not take a lower layer's value away, but makes the name known.
        for (name, value) in other.0 {
            if !value.is_empty() || !self.0.contains_key(&name) {
                self.0.insert(name, value);
            }
        }
    }

    /// Sets one variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value, unless absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The value, or an error that names the variable.
    pub fn need(&self, name: &str) -> Result<&str> {
        self.get(name)
            .with_context(|| format!("{name} is not set: see .env.example"))
    }

    /// Every variable that has a value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(_, value)| !value.is_empty())
    }

    /// Sets the mode of every service.
    pub fn set_mode(&mut self, mode: Mode) {
        for service in Service::with_topics() {
            self.set(variable(service, "SERVICE_MODE"), mode.name());
        }
    }

    /// The mode of one service.
    pub fn mode(&self, service: Service) -> Result<Mode> {
        let name = variable(service, "SERVICE_MODE");
        match self.need(&name)? {
            "http" => Ok(Mode::Http),
            "event" => Ok(Mode::Event),
            "hybrid" => Ok(Mode::Hybrid),
            other => bail!("{name}={other}: expected http, event or hybrid"),
        }
    }

    /// Does any service use the broker?
    pub fn uses_broker(&self) -> Result<bool> {
        let modes: Result<Vec<Mode>> = Service::with_topics()
            .map(|service| self.mode(service))
            .collect();
        Ok(modes?.into_iter().any(|mode| mode != Mode::Http))
    }

    /// Partitions of every topic. Checked before anything is made, since the number is fixed then.
    pub fn topic_partitions(&self) -> Result<u32> {
        let name = "PULSAR_TOPIC_PARTITIONS";
        let given = self.need(name)?;
        let count = given.parse().ok();
        let count = count.filter(|count| TOPIC_PARTITIONS.contains(count));
        count.with_context(|| {
            let (least, most) = (TOPIC_PARTITIONS.start(), TOPIC_PARTITIONS.end());
            format!("{name}={given}: expected {least} to {most}")
        })
    }

    /// Whether each service is to be granted what it needs at the broker: ours asks for tokens unless it is told not to.
    pub fn broker_grants(&self) -> Result<bool> {
        match self.get("BROKER_AUTH") {
            Some("token") => Ok(true),
            Some("none") => Ok(false),
            None => Ok(self.own_broker_ports()?.is_some()),
            Some(other) => bail!("BROKER_AUTH={other}: expected none or token"),
        }
    }

    /// What signs the tokens of the broker that we run, unless it asks nobody.
    pub fn broker_tokens(&self) -> Result<Option<BrokerTokens>> {
        if !self.broker_grants()? || self.own_broker_ports()?.is_none() {
            return Ok(None);
        }
        let secret = self.need("PULSAR_SECRET_KEY")?;
        Ok(Some(BrokerTokens::new(secret)))
    }

    /// Who provisions and looks at the broker shows this token; a service has its own.
    pub fn broker_admin_token(&self) -> Result<Option<String>> {
        match self.broker_tokens()? {
            Some(tokens) => tokens.token(ADMIN_ROLE).map(Some),
            None => Ok(self.get("PULSAR_TOKEN").map(str::to_owned)),
        }
    }

    /// Where a service listens, such as `http://127.0.0.1:8002`.
    pub fn service_url(&self, service: Service) -> Result<&str> {
        self.need(&variable(service, "SERVICE_URL"))
            .map(|url| url.trim_end_matches('/'))
    }

    /// Where it says how it is, and operators and services come in: there, or at its second port.
    pub fn admin_url(&self, service: Service) -> Result<&str> {
        match self.get(&variable(service, "ADMIN_URL")) {
            Some(url) => Ok(url.trim_end_matches('/')),
            None => self.service_url(service),
        }
    }

    /// `<SERVICE>_DATABASE_URL`, put together from its parts where it is not set, with what `DATABASE_SSL_MODE` and
    /// `DATABASE_SSL_ROOT_CERT` say where it does not.
    pub fn database_url(&self, service: Service) -> Result<String> {
        let url = self.plain_database_url(service)?;
        self.with_tls(url)
    }

    fn plain_database_url(&self, service: Service) -> Result<String> {
        if let Some(url) = self.get(&variable(service, "DATABASE_URL")) {
            return Ok(url.to_owned());
        }
        let (host, port) = (self.need("POSTGRES_HOST")?, self.need("POSTGRES_PORT")?);
        let password = self.need(&variable(service, "DB_PASSWORD"))?;
        let (role, database) = (service.name(), database_name(service.name()));
        let password = in_url(password);
        Ok(format!(
            "postgres://{role}:{password}@{host}:{port}/{database}"
        ))
    }

    /// The port of the Postgres server that we run, or none when every service has a URL of its own.
    pub fn own_database_port(&self) -> Result<Option<u16>> {
        let given = |service: &Service| self.get(&variable(*service, "DATABASE_URL")).is_some();
        if Service::ALL.iter().all(given) || !is_ours(self.need("POSTGRES_HOST")?) {
            return Ok(None);
        }
        let port = self.need("POSTGRES_PORT")?;
        port.parse()
            .map(Some)
            .with_context(|| format!("POSTGRES_PORT={port} is not a port"))
    }

    /// The ports of the broker that we run, or none when the variables name another machine's.
    pub fn own_broker_ports(&self) -> Result<Option<PulsarPorts>> {
        let (host, broker) = host_and_port(self.need("PULSAR_SERVICE_URL")?)?;
        let (_, http) = host_and_port(self.need("PULSAR_ADMIN_URL")?)?;
        Ok(is_ours(host).then_some(PulsarPorts {
            broker,
            http,
            bookie: broker + 2,
        }))
    }
}

/// `<SERVICE>_<name>`.
pub fn variable(service: Service, name: &str) -> String {
    format!("{}_{name}", service.name().to_uppercase())
}

/// Host and port of a URL.
pub fn host_and_port(url: &str) -> Result<(&str, u16)> {
    let authority = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or(url);
    let (host, port) = authority
        .rsplit_once(':')
        .with_context(|| format!("{url} names no port"))?;
    Ok((
        host,
        port.parse()
            .with_context(|| format!("{url}: {port} is not a port"))?,
    ))
}

/// A password as it stands in a URL. `Url::set_password` would leave each `%`, and what follows it would be read as another letter.
fn in_url(password: &str) -> String {
    utf8_percent_encode(password, NON_ALPHANUMERIC).to_string()
}

/// Whether a server at this host is one that we run.
fn is_ours(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost")
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    Ok(variables::parse(text)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_does_not_hide_a_lower_layer() {
        let mut settings = Settings(parse("A=1\nB=2 # two\n# C=3\nD='4'").unwrap());
        settings.overlay(Settings(parse("A=\nB=3").unwrap()));
        assert_eq!(
            (settings.get("A"), settings.get("B"), settings.get("D")),
            (Some("1"), Some("3"), Some("4"))
        );
    }

    #[test]
    fn a_password_stands_in_a_databases_url_as_it_is() {
        let mut settings = Settings::example().unwrap();
        settings.set("TRACKING_DB_PASSWORD", "a/b#c%41?@");
        settings.set("POSTGRES_PORT", "5432");
        let url = settings.database_url(Service::Tracking).unwrap();
        let wanted = "postgres://tracking:a%2Fb%23c%2541%3F%40@127.0.0.1:5432/tracking_db";
        assert_eq!(url, wanted);
    }

    #[test]
    fn a_url_gives_host_and_port() {
        assert_eq!(
            host_and_port("pulsar://127.0.0.1:6650").unwrap(),
            ("127.0.0.1", 6650)
        );
        assert!(host_and_port("http://example.com/").is_err());
    }
}
