//! The mail server.

use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::timeout;

use super::settings::{Protection, ServerSettings};

/// Connections at once.
pub(crate) const MAX_CONNECTIONS: u32 = 4;

/// What a server makes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took it.
    Taken,
    /// It may take it later; with its reply code, if it gave one.
    Later(Option<i32>),
    /// It never takes it.
    Refused(i32),
}

/// A mail server, with connections that are kept for a while.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl Server {
    /// Nothing is connected to yet.
    ///
    /// # Errors
    /// The authority is none.
    pub(crate) fn new(settings: &ServerSettings, domain: &str) -> Result<Self, String> {
        let mut tls = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = &settings.authority {
            let authority = Certificate::from_pem(pem.as_bytes());
            tls = tls.add_root_certificate(authority.map_err(|error| error.to_string())?);
        }
        let parameters = tls.build().map_err(|error| error.to_string())?;
        let tls = match settings.protection {
            Protection::StartTls => Tls::Required(parameters),
            Protection::Implicit => Tls::Wrapper(parameters),
            Protection::None => Tls::None,
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
                .port(settings.port)
                .tls(tls)
                .hello_name(ClientId::Domain(domain.to_owned()))
                .timeout(Some(settings.timeout))
                .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS));
        if let Some((user, password)) = &settings.credentials {
            let password = password.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            transport: transport.build(),
            timeout: settings.timeout,
        })
    }

    /// Sends one, within the time for that. What a server says beside its code may name the address, and is let go.
    pub(crate) async fn send(&self, message: Message) -> Answer {
        let sent = timeout(self.timeout, self.transport.send(message)).await;
        let Ok(sent) = sent else {
            return Answer::Later(None);
        };
        let Err(error) = sent else {
            return Answer::Taken;
        };
        let code = error.status().map(|code| i32::from(u16::from(code)));
        match code {
            Some(code) if error.is_permanent() && self.is_well().await => Answer::Refused(code),
            code => Answer::Later(code),
        }
    }

    /// Whether it is the mail that was refused, and not we: a server that refuses us, or our password, refuses this too.
    async fn is_well(&self) -> bool {
        let tested = timeout(self.timeout, self.transport.test_connection()).await;
        matches!(tested, Ok(Ok(true)))
    }
}
