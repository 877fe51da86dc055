//! The mail server.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use super::settings::{Protection, ServerSettings};

/// A server that took a mail within this time takes mails of ours: what it refuses is refused for what it is.
const TAKES_OURS_FOR: Duration = Duration::from_hours(1);
/// Refused so often in a row it takes none any more, whatever each refusal says: a quota is used up.
const REFUSES_OURS_AFTER: u32 = 3;
/// Why nothing came of an attempt.
const NOT_IN_TIME: &str = "it does not answer in time";
/// So long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a server makes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took it.
    Taken,
    /// It may take it later.
    Later {
        /// Why it does not now, in words of ours: its own may name the address.
        why: &'static str,
        /// Its reply code, if it gave one.
        code: Option<i32>,
    },
    /// It never takes it.
    Refused(i32),
}

/// A mail server. Each mail has a connection of its own: an answer that comes too late is not taken for the next one's.
#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server(..)")
    }
}

struct Inner {
    settings: ServerSettings,
    tls: TlsParameters,
    hello: ClientId,
    took: Mutex<Took>,
}

/// What it took of late.
#[derive(Debug, Default)]
struct Took {
    /// When it took a mail last.
    at: Option<Instant>,
    /// Mails that it refused for good since then.
    refused: u32,
}

impl Took {
    /// Whether one more refusal for good is of that mail alone: the server takes mails of ours.
    fn is_of_one(&mut self) -> bool {
        let lately = self.at.is_some_and(|at| at.elapsed() < TAKES_OURS_FOR);
        self.refused = self.refused.saturating_add(1);
        lately && self.refused <= REFUSES_OURS_AFTER
    }
}

impl Server {
    /// Nothing is connected to yet.
    ///
    /// # Errors
    /// The authority is none.
    pub(crate) fn new(settings: ServerSettings, domain: &str) -> Result<Self, String> {
        let mut tls = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = &settings.authority {
            let authority = Certificate::from_pem(pem.as_bytes());
            tls = tls.add_root_certificate(authority.map_err(|error| error.to_string())?);
        }
        let tls = tls.build().map_err(|error| error.to_string())?;
        Ok(Self(Arc::new(Inner {
            settings,
            tls,
            hello: ClientId::Domain(domain.to_owned()),
            took: Mutex::default(),
        })))
    }

    /// How long an attempt may last.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.settings.timeout
    }

    /// Sends one, within the time for that.
    pub(crate) async fn send(&self, message: &Message) -> Answer {
        let mut open = None;
        let answer = timeout(self.timeout(), self.attempt(message, &mut open)).await;
        let answer = answer.unwrap_or(Answer::Later {
            why: NOT_IN_TIME,
            code: None,
        });
        if answer == Answer::Taken {
            *self.took() = Took {
                at: Some(Instant::now()),
                refused: 0,
            };
        }
        if let Some(mut connection) = open {
            // It has answered: nothing depends on the goodbye.
            let _ = timeout(GOODBYE, connection.quit()).await;
        }
        answer
    }

    /// What is refused before the recipient is named is refused to us, whatever the mail is. A connection on which the mail was answered is
    /// left `open`.
    async fn attempt(&self, message: &Message, open: &mut Option<AsyncSmtpConnection>) -> Answer {
        let envelope = message.envelope();
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return later(&error),
        };
        let from = Mail::new(envelope.from().cloned(), Vec::new());
        if let Err(error) = connection.command(from).await {
            return later(&error);
        }
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            if let Err(error) = connection.command(to).await {
                return self.refused(&error);
            }
        }
        if let Err(error) = connection.command(Data).await {
            return later(&error);
        }
        let answer = match connection.message(&message.formatted()).await {
            Ok(_) => Answer::Taken,
            Err(error) => self.refused(&error),
        };
        *open = Some(connection);
        answer
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let Inner {
            settings,
            tls,
            hello,
            ..
        } = &*self.0;
        let address = (settings.host.as_str(), settings.port);
        let wrapper = (settings.protection == Protection::Implicit).then(|| tls.clone());
        let within = Some(settings.timeout);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, within, hello, wrapper, None).await?;
        if settings.protection == Protection::StartTls {
            connection.starttls(tls.clone(), hello).await?;
        }
        if let Some((user, password)) = &settings.credentials {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(user.clone(), password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    fn took(&self) -> MutexGuard<'_, Took> {
        self.0.took.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A refusal for good counts where the server takes mails of ours: else it is perhaps all of us that it refuses, for a sender or a
    /// quota that it does not like. What it says beside its code may name the address, and is let go.
    fn refused(&self, error: &Error) -> Answer {
        match code(error) {
            Some(code) if error.is_permanent() && self.took().is_of_one() => Answer::Refused(code),
            _ => later(error),
        }
    }
}

fn later(error: &Error) -> Answer {
    Answer::Later {
        why: why(error),
        code: code(error),
    }
}

fn code(error: &Error) -> Option<i32> {
    error.status().map(|code| i32::from(u16::from(code)))
}

/// The kind of an error.
fn why(error: &Error) -> &'static str {
    if error.status().is_some() {
        "it refuses"
    } else if error.is_timeout() {
        NOT_IN_TIME
    } else if error.is_client() {
        "it offers no STARTTLS, or no way of signing in that is known here"
    } else if error.is_response() {
        "what it answers is no SMTP"
    } else if is_of_tls(error) {
        "TLS comes to nothing: it speaks none here, or its certificate is not accepted"
    } else {
        "it cannot be reached, or breaks off"
    }
}

/// Whether it is a handshake that failed: there it is an error of a connection, whose data mean nothing.
fn is_of_tls(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == ErrorKind::InvalidData;
        }
        source = error.source();
    }
    error.is_tls()
}
