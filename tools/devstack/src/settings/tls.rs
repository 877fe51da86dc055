//! Whom the local tools trust, and the certificates of servers that we run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use reqwest::Url;

use super::Settings;
use crate::layout::Layout;
use crate::stack::ServerCertificate;

const MODE: &str = "DATABASE_SSL_MODE";
const ROOT_CERT: &str = "DATABASE_SSL_ROOT_CERT";
const ROOT_CERT_FILE: &str = "DATABASE_SSL_ROOT_CERT_FILE";
const BROKER_CA: &str = "PULSAR_TLS_CA";

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
        let Some(mode) = self.get(MODE).filter(|_| !url.contains("sslmode=")) else {
            return Ok(url);
        };
        let mut url = Url::parse(&url).context("a database's URL is malformed")?;
        url.query_pairs_mut().append_pair("sslmode", mode);
        if let Some(file) = self.get(ROOT_CERT_FILE) {
            url.query_pairs_mut().append_pair("sslrootcert", file);
        }
        Ok(url.into())
    }
}

fn kept(layout: &Layout) -> Result<ServerCertificate> {
    ServerCertificate::kept_in(&layout.state.join("tls"))
}
