//! Clients of the broker, and publishing to a topic partition: one producer, one unacknowledged entry.

#![allow(
    clippy::large_futures,
    reason = "the client's; one of them lives as long as the service"
)]

use std::sync::Arc;
use std::time::Duration;

use pulsar::producer::Message as PulsarMessage;
use pulsar::proto::Schema;
use pulsar::{
    ConnectionRetryOptions, OperationRetryOptions, Producer, ProducerOptions, Pulsar, TokioExecutor,
};
use schemas::signature::Signed;
use schemas::{Service, Topic, WriterSchema};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::log::LogRow;
use crate::relay::{ENTRY_MESSAGES, Entry, Shipped, Start, Transport, TransportError};
use crate::tls::{self, Authorities, NoConnection, Refusal};
use crate::transport::refusal;
use crate::transport::token::BrokerToken;
use crate::trust::Trust;

/// How long any answer of the broker is waited for.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Nothing that the client does takes longer: each request has a limit of its own.
const DONE_WITHIN: Duration = Duration::from_mins(5);
/// `Schema.Type.Avro` of Pulsar's wire protocol.
const AVRO: i32 = 4;

/// How to reach the broker.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// `pulsar://host:port` or `pulsar+ssl://host:port`. With TLS the certificate and its host name are always checked,
    /// and nothing is sent before.
    pub service_url: String,
    /// Who may have signed the broker's certificate, beside the public authorities.
    pub authorities: Option<Authorities>,
    /// A token, where the broker wants one.
    pub token: Option<BrokerToken>,
    /// The tenant.
    pub tenant: String,
    /// The namespace within it.
    pub namespace: String,
    /// Where it reports statistics, such as `http://127.0.0.1:8080`.
    pub admin_url: Option<String>,
}

impl BrokerSettings {
    /// The full name of a topic partition. Every topic is a partitioned one.
    pub fn partition_name(&self, topic: Topic, partition: i32) -> String {
        format!(
            "persistent://{}/{}/{}-partition-{partition}",
            self.tenant,
            self.namespace,
            topic.name()
        )
    }

    /// A client of its own. See [`SharedClient`] for one of several.
    pub async fn connect(&self) -> Result<Pulsar<TokioExecutor>, ConnectError> {
        match self.try_connect().await {
            Ok(client) => Ok(client),
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// The client says of a refused certificate, of a refused token and of a connection that broke no more than that there
    /// was a fatal error: asks again what it is.
    async fn explain(&self, error: pulsar::Error) -> ConnectError {
        let server = Server::parse(&self.service_url).filter(|_| !refusal::is_outage(&error));
        let Some(server) = server else {
            return error.into();
        };
        let says = match server.dial(self.authorities.as_ref()).await {
            Ok(Some(stream)) => refusal::of_greeting(stream, self.token.clone()).await,
            Ok(None) => None,
            Err(refused) => return refused,
        };
        let Server { host, port, .. } = server;
        match says {
            Some(says) => ConnectError::NotTaken { host, port, says },
            None => ConnectError::Broken(error),
        }
    }

    async fn try_connect(&self) -> Result<Pulsar<TokioExecutor>, pulsar::Error> {
        let mut builder = Pulsar::builder(&self.service_url, TokioExecutor)
            .with_connection_retry_options(ConnectionRetryOptions {
                min_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(1),
                max_retries: 2,
                connection_timeout: OPERATION_TIMEOUT,
                keep_alive: Duration::from_secs(10),
                ..ConnectionRetryOptions::default()
            })
            .with_operation_retry_options(OperationRetryOptions {
                operation_timeout: OPERATION_TIMEOUT,
                // Who waits tries again, and knows what became of the first try: a consumer that was opened too late stays at the broker.
                max_retries: Some(0),
                ..OperationRetryOptions::default()
            })
            // The channel's slots are made at once, some kilobytes each; one entry at a time needs few.
            .with_outbound_channel_size(16);
        if let Some(authorities) = &self.authorities {
            builder = builder.with_certificate_chain(authorities.pem().as_bytes().to_vec());
        }
        if let Some(token) = &self.token {
            builder = builder.with_auth_provider(Box::new(token.clone()));
        }
        builder.build().await
    }
}

/// Bytes to a server and back, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a broker listens.
pub(super) struct Server {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Server {
    /// Of a `pulsar://` or `pulsar+ssl://` URL.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url).ok()?;
        let is_tls = url.scheme() == "pulsar+ssl";
        Some(Self {
            host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(if is_tls { 6651 } else { 6650 }),
            is_tls,
        })
    }

    /// A connection; none when it cannot be reached.
    pub(super) async fn dial(
        &self,
        authorities: Option<&Authorities>,
    ) -> Result<Option<Box<dyn Stream>>, ConnectError> {
        let (host, port) = (self.host.as_str(), self.port);
        if !self.is_tls {
            let connecting = TcpStream::connect((host, port));
            let connected = tokio::time::timeout(OPERATION_TIMEOUT, connecting).await;
            let stream = connected.ok().and_then(Result::ok);
            return Ok(stream.map(|it| Box::new(it) as Box<dyn Stream>));
        }
        match tls::connect(host, port, authorities).await {
            Ok(stream) => Ok(Some(Box::new(stream))),
            Err(NoConnection::Away) => Ok(None),
            Err(NoConnection::Refused(why)) => {
                let host = host.to_owned();
                Err(ConnectError::Refused { host, port, why })
            }
        }
    }
}

/// Why there is no connection to the broker.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Its certificate is not what it must be; nothing was sent to it.
    #[error("{host}:{port} is refused: {why}")]
    Refused {
        /// As the service URL has it.
        host: String,
        /// Its port.
        port: u16,
        /// What is wrong.
        why: Refusal,
    },
    /// The broker refuses it, a token that it does not take above all.
    #[error("{host}:{port} refuses the connection: {says}")]
    NotTaken {
        /// As the service URL has it.
        host: String,
        /// Its port.
        port: u16,
        /// In its words.
        says: String,
    },
    /// It cannot be reached, or hangs up without a word.
    #[error(transparent)]
    Broken(pulsar::Error),
    /// What else the client says.
    #[error(transparent)]
    Pulsar(#[from] pulsar::Error),
}

impl ConnectError {
    /// Whether the broker is away, rather than that it or we refuse.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Refused { why, .. } => *why == Refusal::Silent,
            Self::NotTaken { .. } => false,
            Self::Broken(_) => true,
            Self::Pulsar(error) => refusal::is_outage(error),
        }
    }
}

impl From<ConnectError> for TransportError {
    fn from(error: ConnectError) -> Self {
        if error.is_outage() {
            Self::Outage(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

impl From<pulsar::Error> for TransportError {
    fn from(error: pulsar::Error) -> Self {
        ConnectError::Pulsar(error).into()
    }
}

/// One client, and so one connection, of several consumers or of several producers: each connection costs a process some
/// 400 KB and wakes it for itself. Producing and consuming never share one, or small frames stall sends.
#[derive(Debug, Clone)]
pub struct SharedClient {
    settings: BrokerSettings,
    current: Arc<Mutex<Current>>,
}

/// The client that whoever comes next gets.
#[derive(Debug, Default)]
struct Current {
    connected: Option<Connected>,
    /// How many there were.
    made: u64,
}

/// A client that is there, and which of those that were.
#[derive(Clone)]
pub struct Connected {
    /// The client.
    pub client: Pulsar<TokioExecutor>,
    /// Its number: the first of a [`SharedClient`] is 1.
    pub number: u64,
    /// Cancelled when all who use it are to leave it.
    pub given_up: CancellationToken,
}

impl Connected {
    /// Whether somebody may have it with whom the client of this number failed.
    fn is_for(&self, failed: Option<u64>) -> bool {
        failed != Some(self.number) && !self.given_up.is_cancelled()
    }
}

impl std::fmt::Debug for Connected {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "client {}", self.number)
    }
}

impl SharedClient {
    /// One that connects when it is wanted.
    pub fn new(settings: BrokerSettings) -> Self {
        let current = Arc::default();
        Self { settings, current }
    }

    /// How it reaches the broker.
    pub fn settings(&self) -> &BrokerSettings {
        &self.settings
    }

    /// The client, but a new one if it is still the one with this number, which failed: a connection that is silent or half
    /// made would stay so. Whoever gets on with the older one keeps it, unless it is given up.
    pub async fn connect(&self, failed: Option<u64>) -> Result<Connected, ConnectError> {
        let mut current = self.current.lock().await;
        if let Some(connected) = current.connected.as_ref().filter(|it| it.is_for(failed)) {
            return Ok(connected.clone());
        }
        let client = self.settings.connect().await?;
        current.made += 1;
        let connected = Connected {
            client,
            number: current.made,
            given_up: CancellationToken::new(),
        };
        Ok(current.connected.insert(connected).clone())
    }

    /// Nobody is to get the one that is given up: kept here, it would not be closed where all who leave it go on alone.
    async fn drop_given_up(&self) {
        let mut current = self.current.lock().await;
        let left = |connected: &mut Connected| connected.given_up.is_cancelled();
        drop(current.connected.take_if(left));
    }
}

/// What one consumer or one producer knows of a [`SharedClient`].
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// The number of the client that it has or had.
    used: Option<u64>,
    /// Whether something failed since it has that.
    failed: bool,
    /// Of that client.
    given_up: CancellationToken,
}

impl Share {
    /// The client, but not the one that it failed with.
    pub(crate) async fn connect(
        &mut self,
        shared: &SharedClient,
    ) -> Result<Pulsar<TokioExecutor>, ConnectError> {
        let failed = self.used.filter(|_| self.failed);
        // What it may have left at another client is that one's matter.
        self.given_up = CancellationToken::new();
        let connected = shared.connect(failed).await?;
        *self = Self {
            used: Some(connected.number),
            failed: false,
            given_up: connected.given_up,
        };
        Ok(connected.client)
    }

    /// A client that nobody shares. It is closed with whoever has it.
    pub(crate) async fn connect_alone(
        &mut self,
        shared: &SharedClient,
    ) -> Result<Pulsar<TokioExecutor>, ConnectError> {
        *self = Self::default();
        shared.settings.connect().await
    }

    /// What was done with the client failed, perhaps for its connection's sake.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// The broker may have a consumer of this client's that nobody has here. It is there as long as its connection, which is closed once all
    /// have left it.
    pub(crate) async fn give_up(&mut self, shared: &SharedClient) {
        self.given_up.cancel();
        self.fail();
        shared.drop_given_up().await;
    }

    /// Cancelled when the client is given up.
    pub(crate) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }
}

/// Has the client do something to the end, whoever waits for it: a consumer or a producer that nobody waits for any more is closed once it is
/// there.
///
/// Given up on the way, a consumer would be at the broker and not here, for as long as the connection, which others share: the broker would take
/// it for the senior one of its subscription and send nothing to those who come after it. And a connection that is given up half made is waited
/// for by all others of its client for ever.
pub(super) async fn to_its_end<T: Send + 'static>(
    task: impl Future<Output = Result<T, pulsar::Error>> + Send + 'static,
) -> Result<T, pulsar::Error> {
    let limited = tokio::time::timeout(DONE_WITHIN, task);
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with its requests or at its limit, and what it holds is closed"
    )]
    let done = tokio::spawn(limited).await;
    match done {
        Ok(Ok(done)) => done,
        Ok(Err(_)) | Err(_) => Err(pulsar::Error::Executor),
    }
}

struct Open {
    producer: Producer<TokioExecutor>,
    fingerprint: [u8; 32],
}

/// The transport to one topic partition.
pub struct PulsarTransport {
    client: SharedClient,
    trust: Trust,
    topic: Topic,
    partition: i32,
    open: Option<Open>,
    share: Share,
}

impl PulsarTransport {
    /// A transport that is not open yet.
    pub fn new(client: SharedClient, trust: Trust, topic: Topic, partition: i32) -> Self {
        Self {
            client,
            trust,
            topic,
            partition,
            open: None,
            share: Share::default(),
        }
    }

    /// Opens a producer that presents this schema. A topic that is not wholly provisioned has no schema, since that is
    /// provisioned last, and refuses: so nothing is ever published to a topic without its subscriptions.
    async fn open_with(&mut self, schema: &WriterSchema) -> Result<&mut Open, TransportError> {
        self.open = None;
        let client = self.share.connect(&self.client).await?;
        let options = ProducerOptions {
            schema: Some(Schema {
                name: self.topic.name().to_owned(),
                schema_data: schema.text().as_bytes().to_vec(),
                r#type: AVRO,
                properties: Vec::new(),
            }),
            // More than an entry has, so that only `send_batch` ends one.
            batch_size: Some(u32::try_from(ENTRY_MESSAGES).unwrap_or(500) + 1),
            block_queue_if_full: true,
            ..ProducerOptions::default()
        };
        let opening = client
            .producer()
            .with_topic(
                self.client
                    .settings
                    .partition_name(self.topic, self.partition),
            )
            .with_options(options)
            .build();
        let producer = tokio::time::timeout(OPERATION_TIMEOUT * 2, to_its_end(opening))
            .await
            .map_err(|_| TransportError::outage("the broker does not open a producer in time"))??;
        Ok(self.open.insert(Open {
            producer,
            fingerprint: *schema.fingerprint(),
        }))
    }

    async fn send(&mut self, entry: &Entry) -> Result<(), TransportError> {
        let trust = self.trust.clone();
        let current = match self.open.take() {
            Some(open) if open.fingerprint == *entry.schema.fingerprint() => self.open.insert(open),
            // A schema version belongs to an entry, so another writer schema needs another producer.
            _ => self.open_with(&entry.schema).await?,
        };
        let mut receipts = Vec::with_capacity(entry.rows.len());
        for row in &entry.rows {
            let message = to_pulsar(&trust, entry, row);
            receipts.push(current.producer.send_non_blocking(message).await?);
        }
        current.producer.send_batch().await?;
        for receipt in receipts {
            receipt.await?;
        }
        Ok(())
    }
}

impl Transport for PulsarTransport {
    fn name(&self) -> String {
        "pulsar".to_owned()
    }

    async fn open(&mut self, _epoch: i64) -> Result<Start, TransportError> {
        let opened = self.open_with(&WriterSchema::current(self.topic)).await;
        let opened = opened.map(|_| Start::Cursor);
        if opened.is_err() {
            self.share.fail();
        }
        opened
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, TransportError> {
        let sending = tokio::time::timeout(OPERATION_TIMEOUT, self.send(entry));
        let sent = sending.await.unwrap_or_else(|_| {
            Err(TransportError::outage(
                "the broker does not acknowledge in time",
            ))
        });
        if sent.is_err() {
            self.share.fail();
        }
        sent.map(|()| Shipped::Acknowledged)
    }

    fn close(&mut self) {
        self.open = None;
    }
}

/// Signed when it is shipped, not when it is logged: so what is sent again is signed with the key of then.
fn to_pulsar(trust: &Trust, entry: &Entry, row: &LogRow) -> PulsarMessage {
    let mut properties = std::collections::HashMap::with_capacity(8);
    let mut property = |name: &str, value: String| properties.insert(name.to_owned(), value);
    property("id", row.id.to_string());
    property("type", row.kind.clone());
    property("source", entry.source.to_owned());
    property("epoch", entry.epoch.to_string());
    if let Some(sequence) = row.sequence {
        property("sequence", sequence.to_string());
        if let Some(source) = Service::parse(entry.source) {
            let signed = Signed {
                source,
                topic: entry.topic,
                partition: entry.partition,
                epoch: entry.epoch,
                sequence,
                layout: entry.schema.layout(),
                bytes: &row.body,
            };
            property("signature", trust.sign(&signed));
        }
    }
    property("subject", row.subject.clone());
    property("correlationid", row.correlation_id.to_string());
    PulsarMessage {
        payload: row.body.clone(),
        properties,
        partition_key: Some(row.key.clone()),
        event_time: u64::try_from(row.time / 1_000).ok(),
        ..PulsarMessage::default()
    }
}
