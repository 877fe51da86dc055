//! Whom the local tools trust, and the certificates of servers that we run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use schemas::Service;
use sqlx::postgres::PgConnectOptions;
use variables::is_loopback;

use super::{Settings, variable};
use crate::layout::Layout;
use crate::stack::ServerCertificate;

pub(super) const PROFILE: &str = "TRIBUTARY_PROFILE";
const MODE: &str = "DATABASE_SSL_MODE";
const ROOT_CERT: &str = "DATABASE_SSL_ROOT_CERT";
const ROOT_CERT_FILE: &str = "DATABASE_SSL_ROOT_CERT_FILE";
const BROKER_CA: &str = "PULSAR_TLS_CA";
const ALLOW: &str = "PULSAR_ALLOW_PLAINTEXT_TOKEN";

impl Settings {
    /// The certificate of the broker that we run, where its URL asks for TLS.
    pub fn own_broker_certificate(&self, layout: &Layout) -> Result<Option<ServerCertificate>> {
        let wanted = self.need("PULSAR_SERVICE_URL")?.starts_with("pulsar+ssl:");
        let ours = wanted && self.own_broker_ports()?.is_some();
        ours.then(|| kept(layout)).transpose()
    }

    /// The certificate of the Postgres server that we run, where `DATABASE_SSL_MODE` asks for TLS.
    pub fn own_database_certificate(&self, layout: &Layout) -> Result<Option<ServerCertificate>> {
        let wanted = matches!(
            self.get(MODE),
            Some("require" | "verify-ca" | "verify-full")
        );
        let ours = wanted && self.own_database_port()?.is_some();
        ours.then(|| kept(layout)).transpose()
    }

    /// The file with the databases' authorities, which must stay one: a URL can only name a file.
    pub(super) fn database_authorities(&self, layout: &Layout) -> Option<PathBuf> {
        self.get(ROOT_CERT_FILE).map(|file| layout.root.join(file))
    }

    /// Names that file again, after the values of others were read from theirs.
    pub(super) fn keep_database_authorities(&mut self, file: &Path) {
        self.set(ROOT_CERT, "");
        self.set(ROOT_CERT_FILE, file.display().to_string());
    }

    /// Where nothing else is said, who signed the certificates of servers that we run is trusted.
    pub fn trust_local_servers(&mut self, layout: &Layout) -> Result<()> {
        if self.get(BROKER_CA).is_none()
            && let Some(certificate) = self.own_broker_certificate(layout)?
        {
            self.set(BROKER_CA, certificate.authority);
        }
        if self.get(ROOT_CERT_FILE).is_some() {
            return Ok(());
        }
        let authorities = match self.get(ROOT_CERT) {
            Some(given) => Some(given.to_owned()),
            None => self
                .own_database_certificate(layout)?
                .map(|certificate| certificate.authority),
        };
        if let Some(authorities) = authorities {
            let folder = layout.state.join("tls");
            fs::create_dir_all(&folder)?;
            let file = folder.canonicalize()?.join("database-ca.pem");
            fs::write(&file, authorities)?;
            self.keep_database_authorities(&file);
        }
        Ok(())
    }

    /// A database's URL with `sslmode` and `sslrootcert`, for whoever is handed no more than the URL.
    pub fn with_tls(&self, url: String) -> Result<String> {
        let url = self.with_parameters(url)?;
        ensure!(
            self.get(ROOT_CERT).is_none() || !url.contains("sslmode=verify"),
            "{ROOT_CERT} is a text, and a database's URL can only name a file: give {ROOT_CERT_FILE}"
        );
        Ok(url)
    }

    /// How to reach the server of a URL, for whoever needs no URL: there the authorities may be a text, too.
    pub fn database_options(&self, url: String) -> Result<PgConnectOptions> {
        let url = self.with_parameters(url)?;
        let options = read(&url)?;
        let text = self
            .get(ROOT_CERT)
            .filter(|_| !names(&url, &ROOT_CERT_PARAMETERS));
        Ok(match text {
            Some(pem) => options.ssl_root_cert_from_pem(pem.as_bytes().to_vec()),
            None => options,
        })
    }

    fn with_parameters(&self, url: String) -> Result<String> {
        let mut added = Vec::new();
        if !names(&url, &MODE_PARAMETERS)
            && let Some(mode) = self.get(MODE).or(self.mode_of_no_name(&url)?)
        {
            added.push(("sslmode", mode));
        }
        if !names(&url, &ROOT_CERT_PARAMETERS)
            && let Some(file) = self.get(ROOT_CERT_FILE)
        {
            added.push(("sslrootcert", file));
        }
        if added.is_empty() {
            return Ok(url);
        }
        let mut url = Url::parse(&url).context(MALFORMED)?;
        url.query_pairs_mut().extend_pairs(added);
        Ok(url.into())
    }

    /// As services have it: in production a database elsewhere must prove who it is, unless another mode is named.
    fn mode_of_no_name(&self, url: &str) -> Result<Option<&'static str>> {
        if self.is_local() {
            return Ok(None);
        }
        Ok(elsewhere(&read(url)?).map(|_| "verify-full"))
    }

    /// The machines of databases that are on another one than this.
    pub fn databases_elsewhere(&self) -> Result<BTreeSet<String>> {
        let mut hosts = BTreeSet::new();
        for service in Service::ALL {
            let host = if let Some(url) = self.get(&variable(service, "DATABASE_URL")) {
                elsewhere(&read(url)?).map(str::to_owned)
            } else {
                let host = self.need("POSTGRES_HOST")?;
                (!is_loopback(host)).then(|| host.to_owned())
            };
            hosts.extend(host);
        }
        Ok(hosts)
    }

    /// The token that the broker at this variable's address is shown. As services have it: in production it crosses no open
    /// network, unless that is allowed.
    pub fn broker_admin_token_for(&self, variable: &str) -> Result<Option<String>> {
        let token = self.broker_admin_token()?;
        let url = Url::parse(self.need(variable)?);
        let url = url.with_context(|| format!("{variable} is malformed"))?;
        let is_open =
            matches!(url.scheme(), "http" | "pulsar") && !url.host_str().is_some_and(is_loopback);
        let is_allowed = self.is_local() || self.get(ALLOW) == Some("true");
        ensure!(
            token.is_none() || !is_open || is_allowed,
            "{variable} would send the token unencrypted: take https:// or pulsar+ssl://, or set {ALLOW}=true where the network \
             itself is trusted"
        );
        Ok(token)
    }

    fn is_local(&self) -> bool {
        self.get(PROFILE) == Some("local")
    }
}

const MALFORMED: &str = "a database's URL is malformed";
const MODE_PARAMETERS: [&str; 2] = ["sslmode=", "ssl-mode="];
const ROOT_CERT_PARAMETERS: [&str; 3] = ["sslrootcert=", "ssl-root-cert=", "ssl-ca="];

fn read(url: &str) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(url).context(MALFORMED)
}

/// The machine that these lead to, unless it is this one.
fn elsewhere(options: &PgConnectOptions) -> Option<&str> {
    let host = options.get_host();
    let is_near = options.get_socket().is_some() || is_loopback(host);
    (!is_near).then_some(host)
}

fn names(url: &str, parameters: &[&str]) -> bool {
    parameters.iter().any(|parameter| url.contains(parameter))
}

fn kept(layout: &Layout) -> Result<ServerCertificate> {
    ServerCertificate::kept_in(&layout.state.join("tls"))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;
    use crate::stack::testing::settings;

    const URL: &str = "PULSAR_ADMIN_URL";

    #[test]
    fn a_url_gets_what_it_does_not_name_and_in_production_proof_from_a_database_elsewhere() {
        let (there, here) = ("postgres://a:b@db.example:5432/c", "postgres://a:b@[::1]/c");
        let file = (ROOT_CERT_FILE, "/ca.pem");
        for (profile, given, url, added) in [
            ("production", vec![], there, "?sslmode=verify-full"),
            ("", vec![], there, "?sslmode=verify-full"),
            (
                "production",
                vec![(MODE, "prefer")],
                there,
                "?sslmode=prefer",
            ),
            ("production", vec![], here, ""),
            ("production", vec![], "postgres://a:b@%2Frun/c", ""),
            (
                "production",
                vec![],
                "postgres://a:b@db/c?ssl-mode=disable",
                "",
            ),
            (
                "production",
                vec![file],
                "postgres://a:b@db/c?sslmode=require",
                "&sslrootcert=%2Fca.pem",
            ),
            ("local", vec![], there, ""),
        ] {
            let settings = settings(&[&given[..], &[(PROFILE, profile)]].concat());
            let found = settings.with_tls(url.to_owned()).unwrap();
            assert_eq!(found, format!("{url}{added}"), "{profile} {given:?}");
        }
    }

    #[test]
    fn authorities_as_a_text_are_taken_where_no_url_is_needed_and_refused_where_one_is() {
        let settings = settings(&[(MODE, "verify-ca"), (ROOT_CERT, "a text")]);
        let url = || "postgres://a:b@db.example:5432/c".to_owned();
        let refused = settings.with_tls(url()).unwrap_err().to_string();
        assert!(
            refused.contains("give DATABASE_SSL_ROOT_CERT_FILE"),
            "{refused}"
        );
        let taken = settings.database_options(url()).unwrap();
        assert!(format!("{taken:?}").contains("Inline"), "{taken:?}");
    }

    #[test]
    fn the_administrators_token_does_not_cross_an_open_network_in_production_unless_that_is_allowed()
     {
        let open = (URL, "http://broker.example:8080");
        let token = ("PULSAR_TOKEN", "hush");
        let there = ("PULSAR_SERVICE_URL", "pulsar://broker.example:6650");
        let production = (PROFILE, "production");
        let ask = |given: &[(&str, &str)]| settings(given).broker_admin_token_for(URL);
        let refused = ask(&[there, open, token, production])
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("PULSAR_ADMIN_URL would send the token unencrypted")
                && !refused.contains("hush"),
            "{refused}"
        );
        for (given, found) in [
            (vec![there, open, token], Some("hush")),
            (vec![there, open, production], None),
            (
                vec![there, open, token, production, (ALLOW, "true")],
                Some("hush"),
            ),
            (
                vec![
                    there,
                    (URL, "https://broker.example:8443"),
                    token,
                    production,
                ],
                Some("hush"),
            ),
            (
                vec![there, (URL, "http://[::1]:8080"), token, production],
                Some("hush"),
            ),
        ] {
            assert_eq!(ask(&given).unwrap().as_deref(), found, "{given:?}");
        }
    }
}
