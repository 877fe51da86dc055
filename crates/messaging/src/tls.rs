//! Why a server's certificate is refused, in words that an operator can act on.
//!
//! The libraries check certificates themselves, and before they send anything else. Some of them do not tell what was
//! wrong: then the handshake is done once more, with nothing behind it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Certificates of authorities that are trusted beside the public ones.
#[derive(Clone)]
pub struct Authorities {
    pem: String,
    roots: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Reads one certificate or more in PEM.
    pub fn parse(pem: &str) -> Result<Self, AuthoritiesError> {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let roots = roots.map_err(|error| AuthoritiesError::Malformed(error.to_string()))?;
        if roots.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        let mut store = RootCertStore::empty();
        for root in &roots {
            let added = store.add(root.clone());
            added.map_err(|error| AuthoritiesError::Malformed(error.to_string()))?;
        }
        Ok(Self {
            pem: pem.to_owned(),
            roots,
        })
    }

    /// As they were given.
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.roots.len())
    }
}

/// Why a text gives no authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// No `-----BEGIN CERTIFICATE-----` in it.
    #[error("holds no certificate in PEM")]
    Empty,
    /// One of them cannot be read.
    #[error("holds a certificate that cannot be read: {0}")]
    Malformed(String),
}

/// Why a TLS handshake fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The certificate is somebody else's.
    #[error("its certificate is not for this host, only for {0}")]
    OtherHost(String),
    /// It ended; seconds since 1970 where they are known.
    #[error("its certificate has expired{}", since(*.0))]
    Expired(Option<u64>),
    /// Its time has not come.
    #[error("its certificate is not valid yet: is this machine's clock right?")]
    NotValidYet,
    /// None of the authorities signed it.
    #[error("its certificate is signed by an authority that is not trusted here")]
    UnknownAuthority,
    /// What listens there does not speak TLS.
    #[error("it does not speak TLS at this port")]
    NotTls,
    /// No answer in time.
    #[error("it does not end the TLS handshake in time")]
    Silent,
    /// Anything else, in the library's words.
    #[error("{0}")]
    Other(String),
}

fn since(end: Option<u64>) -> String {
    let ago = |end: u64| UnixTime::now().as_secs().saturating_sub(end) / 86_400;
    end.map(|end| format!(" {} day(s) ago", ago(end)))
        .unwrap_or_default()
}

impl Refusal {
    /// What rustls says.
    pub fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(certificate) => Self::of_certificate(certificate),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
                Self::OtherHost(names.join(", "))
            }
            CertificateError::NotValidForName => Self::OtherHost("others".to_owned()),
            CertificateError::ExpiredContext { not_after, .. } => {
                Self::Expired(Some(not_after.as_secs()))
            }
            CertificateError::Expired => Self::Expired(None),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotValidYet
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::UnknownAuthority
            }
            other => Self::Other(other.to_string()),
        }
    }

    /// What a failed handshake says; none when the connection broke for another reason.
    pub fn of_io(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<rustls::Error>().map(Self::of)
    }
}

/// `DnsName("example.com")` as rustls has it, without its wrapping.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"')
}

/// Why there is no TLS connection to a server.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// It cannot be reached at all.
    Away,
    /// The handshake fails.
    Refused(Refusal),
}

/// A TLS connection to this server, trusting the public authorities and these.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    authorities: Option<&Authorities>,
) -> Result<TlsStream<TcpStream>, NoConnection> {
    let public = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut roots: RootCertStore = public.collect();
    let own = authorities.into_iter().flat_map(|own| own.roots.clone());
    roots.add_parsable_certificates(own);
    let other = |error: &dyn fmt::Display| NoConnection::Refused(Refusal::Other(error.to_string()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| other(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| other(&error))?;
    let connecting = timeout(HANDSHAKE_WITHIN, TcpStream::connect((host, port))).await;
    let Ok(Ok(stream)) = connecting else {
        return Err(NoConnection::Away);
    };
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match timeout(HANDSHAKE_WITHIN, handshake).await {
        Ok(Ok(stream)) => Ok(stream),
        // Whoever does not understand the greeting hangs up.
        Ok(Err(error)) => {
            let why = Refusal::of_io(&error).unwrap_or(Refusal::NotTls);
            Err(NoConnection::Refused(why))
        }
        Err(_) => Err(NoConnection::Refused(Refusal::Silent)),
    }
}

/// Why a TLS handshake with this server fails, trusting the public authorities and these; none when it succeeds, or when
/// the server cannot be reached at all.
pub async fn refusal(host: &str, port: u16, authorities: Option<&Authorities>) -> Option<Refusal> {
    match connect(host, port, authorities).await {
        Err(NoConnection::Refused(why)) => Some(why),
        Ok(_) | Err(NoConnection::Away) => None,
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_distinguishable() {
        assert_eq!(
            Authorities::parse("no PEM").unwrap_err(),
            AuthoritiesError::Empty
        );
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let refused = Authorities::parse(cut).unwrap_err();
        assert!(
            matches!(refused, AuthoritiesError::Malformed(_)),
            "{refused}"
        );
    }

    #[test]
    fn names_are_shown_without_their_wrapping() {
        assert_eq!(bare("DnsName(\"example.com\")"), "example.com");
        assert_eq!(bare("IpAddress(10.0.0.1)"), "10.0.0.1");
        assert_eq!(bare("example.com"), "example.com");
    }
}
