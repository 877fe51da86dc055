//! How mails are sent, as the environment says it.

use std::time::Duration;

use chassis::config::{Env, Profile};
use lettre::message::Mailbox;
use secrecy::SecretString;

use super::Server;
use crate::jobs::{Mails, Way};
use crate::read_timeout;

/// How the connection to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// It begins in the clear and is protected before anything is said (RFC 3207).
    StartTls,
    /// It is TLS from its first byte (RFC 8314).
    Implicit,
    /// It is in the clear: on a developer's machine alone.
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub(crate) struct ServerSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) protection: Protection,
    /// The user and its password.
    pub(crate) credentials: Option<(String, SecretString)>,
    /// An authority beside the public ones, as PEM.
    pub(crate) authority: Option<String>,
    pub(crate) timeout: Duration,
}

const FROM: &str = "Tributary <noreply@tributary.example>";

/// From `SMTP_…` and `MAIL_FROM`. Without a server the local profile has its mailbox. What cannot be connected to is found
/// when something is sent; what cannot be read, now.
pub(crate) fn read_mails(env: &mut Env) -> Way<Mails> {
    let is_local = Profile::read(env).is_local();
    let host: Option<String> = env.optional("SMTP_HOST", "smtp.example.com");
    let from: Option<Mailbox> = env.optional("MAIL_FROM", FROM);
    if host.is_some() && !env.is_given("MAIL_FROM") {
        env.report("MAIL_FROM", "must be set beside SMTP_HOST", FROM);
    }
    let Some(host) = host else {
        return if is_local { Way::Mailbox } else { Way::Nowhere };
    };
    let settings = read_server(env, host, is_local);
    let Some(from) = from else {
        return Way::Nowhere;
    };
    match Server::new(settings, from.email.domain()) {
        Ok(server) => Way::Server(Mails { server, from }),
        Err(error) => {
            let what = format!("cannot be used: {error}");
            env.report("SMTP_CA_FILE", what, "/etc/tributary/smtp-ca.pem");
            Way::Nowhere
        }
    }
}

fn read_server(env: &mut Env, host: String, is_local: bool) -> ServerSettings {
    let protection = env
        .text("SMTP_TLS")
        .unwrap_or_else(|| "starttls".to_owned());
    let protection = match protection.as_str() {
        "starttls" => Protection::StartTls,
        "implicit" => Protection::Implicit,
        "none" if is_local => Protection::None,
        other => {
            let what = if other == "none" {
                "would send addresses and a password in the clear, which only TRIBUTARY_PROFILE=local may"
            } else {
                "must be starttls, implicit or none"
            };
            env.report("SMTP_TLS", what, "starttls");
            Protection::StartTls
        }
    };
    let default = match protection {
        Protection::Implicit => 465,
        Protection::StartTls | Protection::None => 587,
    };
    let user = env.text("SMTP_USERNAME");
    let password = env.optional_secret("SMTP_PASSWORD", 1);
    if user.is_some() != password.is_some() {
        let what = "is needed beside the other of SMTP_USERNAME and SMTP_PASSWORD";
        env.report("SMTP_PASSWORD", what, "the user's password there");
    }
    ServerSettings {
        host,
        port: env.or("SMTP_PORT", default),
        protection,
        credentials: user.zip(password),
        authority: read_authority(env),
        timeout: read_timeout(env, "SMTP_TIMEOUT_MS", 120_000, 600_000),
    }
}

fn read_authority(env: &mut Env) -> Option<String> {
    let file = env.text("SMTP_CA_FILE")?;
    match std::fs::read_to_string(&file) {
        Ok(pem) if pem.contains("BEGIN CERTIFICATE") => Some(pem),
        Ok(_) => {
            env.report(
                "SMTP_CA_FILE",
                "holds no certificate as PEM",
                "/etc/tributary/smtp-ca.pem",
            );
            None
        }
        Err(error) => {
            let what = format!("cannot be read: {error}");
            env.report("SMTP_CA_FILE", what, "/etc/tributary/smtp-ca.pem");
            None
        }
    }
}
