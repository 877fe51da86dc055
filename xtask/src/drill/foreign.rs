//! A producer that is none of ours: commands straight to a topic.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pulsar::producer::Message as RawMessage;
use pulsar::{Producer, Pulsar, TokioExecutor};
use schemas::{Message, Topic};
use tokio::time::timeout;

use crate::foreigner::producer_options;
use crate::settings::Settings;

/// One attempt takes no longer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Where foreign producers send to.
#[derive(Clone, Debug)]
pub struct Foreign {
    url: String,
    place: String,
    partitions: u32,
}

impl Foreign {
    /// A producer that reaches the broker at this port of ours.
    pub fn new(settings: &Settings, port: u16) -> Result<Self> {
        let (tenant, namespace) = (
            settings.need("PULSAR_TENANT")?,
            settings.need("PULSAR_NAMESPACE")?,
        );
        Ok(Self {
            url: format!("pulsar://127.0.0.1:{port}"),
            place: format!("persistent://{tenant}/{namespace}"),
            partitions: settings.need("PULSAR_TOPIC_PARTITIONS")?.parse()?,
        })
    }

    /// Sends one message, once; an error says nothing about whether it arrived.
    pub async fn send(&self, topic: Topic, message: &Message) -> Result<()> {
        let payload = schemas::encode(topic, &message.header, &message.body)?;
        let raw = RawMessage {
            payload,
            partition_key: Some(message.header.key.clone()),
            ..RawMessage::default()
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
        let client = Pulsar::builder(&self.url, TokioExecutor).build().await?;
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
