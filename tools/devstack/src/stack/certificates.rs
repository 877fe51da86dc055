//! Certificates of our own making, for servers of tests and of a local stack that speaks TLS.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use super::random::random_hex;

/// The names that a server of this machine is reached by.
pub const LOOPBACK_NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// When a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    /// From 2020 to 2050.
    Now,
    /// It ended with 2020.
    Formerly,
}

/// A server's certificate with its private key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// Of who signed it: what a client is given.
    pub authority: String,
    /// The certificate.
    pub chain: String,
    /// The private key, PKCS#8.
    pub key: String,
}

impl Authority {
    /// A new one, which nobody knows yet.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        // Two of one name would be taken for each other until a signature fails.
        let name = format!("Tributary's local authority {}", random_hex(4)?);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        let key = KeyPair::generate()?;
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server with these host names or addresses.
    pub fn issue(&self, names: &[&str], valid: Valid) -> Result<ServerCertificate> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        let end = if valid == Valid::Now { 2050 } else { 2021 };
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(ServerCertificate {
            authority: self.pem(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// The paths of a certificate's three files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// Of who signed it.
    pub authority: PathBuf,
    /// The certificate.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Their names in a folder.
    pub fn within(dir: &Path) -> Self {
        Self {
            authority: dir.join("ca.pem"),
            chain: dir.join("server.pem"),
            key: dir.join("server.key"),
        }
    }
}

impl ServerCertificate {
    /// The one of this folder, made at the first call for the names of this machine.
    pub fn kept_in(dir: &Path) -> Result<Self> {
        let files = CertificateFiles::within(dir);
        if !files.key.exists() {
            Authority::new()?
                .issue(&LOOPBACK_NAMES, Valid::Now)?
                .write(dir)?;
        }
        let read = |file: &Path| {
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
        };
        Ok(Self {
            authority: read(&files.authority)?,
            chain: read(&files.chain)?,
            key: read(&files.key)?,
        })
    }

    /// Writes the three files; each is replaced as a whole, and the key, which comes last, is for the owner's eyes only.
    pub fn write(&self, dir: &Path) -> Result<CertificateFiles> {
        fs::create_dir_all(dir)?;
        let files = CertificateFiles::within(&dir.canonicalize()?);
        for (file, text, mode) in [
            (&files.authority, &self.authority, 0o644),
            (&files.chain, &self.chain, 0o644),
            (&files.key, &self.key, 0o600),
        ] {
            let beside = file.with_extension("new");
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(mode);
            options.open(&beside)?.write_all(text.as_bytes())?;
            fs::rename(beside, file)?;
        }
        Ok(files)
    }
}
