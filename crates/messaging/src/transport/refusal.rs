//! Whether a broker is away or refuses. It decides whether a process that could not connect yet is ready.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use pulsar::Error;
use pulsar::authentication::Authentication;
use pulsar::error::{
    AuthenticationError, ConnectionError, ConsumerError, ProducerError, ServiceDiscoveryError,
};
use pulsar::message::{Codec, Message};
use pulsar::proto::base_command::Type;
use pulsar::proto::{self, BaseCommand, CommandConnect, ServerError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Framed;

use crate::transport::token::BrokerToken;

/// How long its answer to a greeting is waited for.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// The version of the protocol that the client speaks.
const PROTOCOL_VERSION: i32 = 12;

/// Whether the broker is away, or cannot do now what was asked, as far as an error tells. What else it says is a refusal: it
/// would say so again.
pub(super) fn is_outage(error: &Error) -> bool {
    match error {
        Error::Connection(error)
        | Error::Consumer(ConsumerError::Connection(error))
        | Error::Producer(ProducerError::Connection(error))
        | Error::ServiceDiscovery(ServiceDiscoveryError::Connection(error)) => is_away(error),
        Error::ServiceDiscovery(error) => match error {
            ServiceDiscoveryError::Query(Some(says), _) => cannot_now(*says),
            ServiceDiscoveryError::DnsLookupError
            | ServiceDiscoveryError::Canceled
            | ServiceDiscoveryError::Shutdown => true,
            _ => false,
        },
        Error::Consumer(ConsumerError::Closed | ConsumerError::ChannelFull)
        | Error::Producer(ProducerError::Closed) => true,
        _ => false,
    }
}

/// Whether an answer did not come in time, and may have come later.
pub(super) fn is_unanswered(error: &Error) -> bool {
    match error {
        Error::Connection(ConnectionError::Io(error))
        | Error::Consumer(ConsumerError::Connection(ConnectionError::Io(error))) => {
            error.kind() == std::io::ErrorKind::TimedOut
        }
        _ => false,
    }
}

/// Whether the broker answers that it cannot do it now: nothing is the matter with the connection.
pub(super) fn says_not_now(error: &Error) -> bool {
    match error {
        Error::Connection(ConnectionError::PulsarError(Some(says), _))
        | Error::Consumer(ConsumerError::Connection(ConnectionError::PulsarError(Some(says), _)))
        | Error::ServiceDiscovery(ServiceDiscoveryError::Query(Some(says), _)) => cannot_now(*says),
        _ => false,
    }
}

fn is_away(error: &ConnectionError) -> bool {
    match error {
        // Of what it does not try again the client says no more than this: at a connection of ours it was asked what it is.
        ConnectionError::Io(error) => error.kind() != std::io::ErrorKind::Other,
        ConnectionError::PulsarError(Some(says), _) => cannot_now(*says),
        // A name that cannot be looked up; the URL itself was read before.
        ConnectionError::NotFound
        | ConnectionError::Disconnected
        | ConnectionError::Canceled
        | ConnectionError::Shutdown
        | ConnectionError::SlowDown => true,
        _ => false,
    }
}

fn cannot_now(says: ServerError) -> bool {
    matches!(
        says,
        ServerError::ServiceNotReady
            | ServerError::TooManyRequests
            | ServerError::PersistenceError
            | ServerError::ConsumerBusy
            | ServerError::ProducerBusy
            | ServerError::ProducerBlockedQuotaExceededError
            | ServerError::ProducerBlockedQuotaExceededException
    )
}

/// The first command at a connection: who is there, and with which broker behind a proxy it wants to speak.
pub(super) async fn greeting(
    token: Option<BrokerToken>,
    proxy_to_broker_url: Option<String>,
) -> Result<BaseCommand, AuthenticationError> {
    let (mut auth_method_name, mut auth_data) = (None, None);
    if let Some(mut token) = token {
        auth_method_name = Some(token.auth_method_name());
        auth_data = Some(token.auth_data().await?);
    }
    let connect = CommandConnect {
        auth_method_name,
        auth_data,
        proxy_to_broker_url,
        client_version: proto::client_version(),
        protocol_version: Some(PROTOCOL_VERSION),
        ..CommandConnect::default()
    };
    Ok(BaseCommand {
        r#type: Type::Connect.into(),
        connect: Some(connect),
        ..BaseCommand::default()
    })
}

/// What a broker says to a greeting with this token when it refuses it; none when it takes it, or hangs up.
pub(super) async fn of_greeting(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    token: Option<BrokerToken>,
) -> Option<String> {
    let command = match greeting(token, None).await {
        Ok(command) => command,
        Err(error) => return Some(error.to_string()),
    };
    let payload = None;
    let mut framed = Framed::new(stream, Codec);
    let answer = async {
        framed.send(Message { command, payload }).await.ok()?;
        framed.next().await
    };
    let error = match tokio::time::timeout(ANSWERS_WITHIN, answer).await.ok()?? {
        Ok(answer) => answer.command.error?,
        Err(ConnectionError::Io(error)) if error.kind() != std::io::ErrorKind::Other => {
            return None;
        }
        Err(error) => return Some(format!("it does not answer as a broker does: {error}")),
    };
    let says = ServerError::try_from(error.error).ok();
    if says.is_some_and(cannot_now) {
        return None;
    }
    let says = says.map_or("UnknownError", |says| says.as_str_name());
    Some(format!("{says}: {}", error.message))
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    #[test]
    fn who_cannot_be_reached_is_away_and_who_says_no_refuses() {
        let from_broker = |says| Error::from(ConnectionError::PulsarError(Some(says), None));
        for away in [
            ConnectionError::Io(io::Error::from(ErrorKind::ConnectionRefused)).into(),
            ConnectionError::Io(io::Error::from(ErrorKind::TimedOut)).into(),
            ConnectionError::Disconnected.into(),
            from_broker(ServerError::ServiceNotReady),
            Error::ServiceDiscovery(ServiceDiscoveryError::Query(
                Some(ServerError::TooManyRequests),
                None,
            )),
        ] {
            assert!(is_outage(&away), "{away}");
        }
        for refused in [
            from_broker(ServerError::AuthenticationError),
            from_broker(ServerError::AuthorizationError),
            from_broker(ServerError::IncompatibleSchema),
            from_broker(ServerError::TopicNotFound),
            from_broker(ServerError::UnknownError),
            Error::ServiceDiscovery(ServiceDiscoveryError::NotFound),
            ConnectionError::PulsarError(None, None).into(),
            ConnectionError::Io(io::Error::other("fatal")).into(),
        ] {
            assert!(!is_outage(&refused), "{refused}");
        }
    }
}
