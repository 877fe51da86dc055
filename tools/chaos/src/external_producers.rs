//! A producer that is none of ours: commands straight to a topic.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pulsar::producer::Message as RawMessage;
use pulsar::{Authentication, Producer, Pulsar, TokioExecutor};
use schemas::signature::{ServiceKeys, Signed};
use schemas::{Message, Service, Topic, WriterSchema};
use tokio::time::timeout;

use super::act::brand_of;
use devstack::external_producer::producer_options;
use devstack::producers::{self, ProducerKeys};
use devstack::settings::Settings;
use devstack::stack::random_hex;

/// One attempt takes no longer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Journeys of their own campaign that a brand's system may take part in: so many keys fit a variable.
const OWN: u64 = 400;
/// Campaigns that journeys share.
const SHARED: u64 = 8;

/// The system of a brand.
pub fn source(brand: &str) -> String {
    format!("system-of-{brand}")
}

/// A system for each of the brands, with its key.
pub fn producers() -> Result<String> {
    let secret = random_hex(32)?;
    let shared = (0..SHARED).map(|number| format!("dc{number}"));
    let own = (0..OWN).map(|number| format!("dcj{number}"));
    let entries = shared.chain(own).map(|campaign| {
        let brand = brand_of(&campaign);
        producers::entry((&source(&brand), &brand), "k1", &secret)
    });
    Ok(entries.collect::<Vec<_>>().join(";"))
}

/// Where external producers send to.
#[derive(Clone, Debug)]
pub struct ExternalProducers {
    url: String,
    place: String,
    partitions: u32,
    token: Option<String>,
    /// Of the brands' systems.
    pub keys: ProducerKeys,
    services: ServiceKeys,
}

impl ExternalProducers {
    /// A producer that reaches the broker at this port of ours.
    pub fn new(settings: &Settings, port: u16) -> Result<Self> {
        let (tenant, namespace) = (
            settings.need("PULSAR_TENANT")?,
            settings.need("PULSAR_NAMESPACE")?,
        );
        let key = settings.need("INTERNAL_SECRET_KEY")?.as_bytes();
        Ok(Self {
            url: format!("pulsar://127.0.0.1:{port}"),
            place: format!("persistent://{tenant}/{namespace}"),
            partitions: settings.need("PULSAR_TOPIC_PARTITIONS")?.parse()?,
            token: settings.broker_admin_token()?,
            keys: settings.producer_keys(),
            services: ServiceKeys::derive([key]),
        })
    }

    /// A copy of a service's message as it was shipped.
    pub fn copy(&self, topic: Topic, key: String, payload: Vec<u8>) -> Result<RawMessage> {
        let schema = WriterSchema::current(topic);
        let header = schemas::decode_header(&schema, &payload)?;
        let partition = schemas::partition(&key, self.partitions);
        let signature = self.services.sign(&Signed {
            source: Service::parse(&header.source).context("a service's message")?,
            topic,
            partition: i32::try_from(partition)?,
            epoch: header.epoch.context("an epoch")?,
            sequence: header.sequence.context("a sequence")?,
            layout: schema.layout(),
            bytes: &payload,
        });
        Ok(RawMessage {
            payload,
            partition_key: Some(key),
            properties: HashMap::from([("signature".to_owned(), signature)]),
            ..RawMessage::default()
        })
    }

    /// Sends one message, once; an error says nothing about whether it arrived.
    pub async fn send(&self, topic: Topic, message: &Message) -> Result<()> {
        let payload = schemas::encode(topic, &message.header, &message.body)?;
        let raw = RawMessage {
            partition_key: Some(message.header.key.clone()),
            ..self.keys.message(&message.header.source, topic, payload)?
        };
        self.send_raw(topic, vec![raw]).await
    }

    /// The same with any bytes, one after the other.
    pub async fn send_raw(&self, topic: Topic, messages: Vec<RawMessage>) -> Result<()> {
        match timeout(PATIENCE, self.send_all(topic, messages)).await {
            Ok(sent) => sent,
            Err(_) => bail!("no receipt within {PATIENCE:?}"),
        }
    }

    /// A client of its own each time: what one attempt breaks does not reach the next.
    async fn send_all(&self, topic: Topic, messages: Vec<RawMessage>) -> Result<()> {
        let mut client = Pulsar::builder(&self.url, TokioExecutor);
        if let Some(token) = &self.token {
            client = client.with_auth(Authentication {
                name: "token".into(),
                data: token.clone().into_bytes(),
            });
        }
        let client = client.build().await?;
        let mut producers = HashMap::new();
        for raw in messages {
            let key = raw.partition_key.clone().unwrap_or_default();
            let partition = schemas::partition(&key, self.partitions);
            let producer = match producers.entry(partition) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(none) => none.insert(self.open(&client, topic, partition).await?),
            };
            let receipt = Box::pin(producer.send_non_blocking(raw)).await?;
            receipt.await.context("no receipt")?;
        }
        Ok(())
    }

    async fn open(
        &self,
        client: &Pulsar<TokioExecutor>,
        topic: Topic,
        partition: u32,
    ) -> Result<Producer<TokioExecutor>> {
        let name = format!("{}/{}-partition-{partition}", self.place, topic.name());
        let building = client
            .producer()
            .with_topic(name)
            .with_options(producer_options(topic));
        Ok(Box::pin(building.build()).await?)
    }
}
