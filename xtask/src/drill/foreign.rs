//! A producer that is none of ours: commands straight to a topic.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use pulsar::producer::Message as RawMessage;
use pulsar::proto::Schema;
use pulsar::{ProducerOptions, Pulsar, TokioExecutor};
use schemas::{Header, Message, Topic, WriterSchema};
use tokio::time::timeout;

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
        self.send_bytes(topic, &message.header, payload).await
    }

    /// The same with any bytes.
    pub async fn send_bytes(&self, topic: Topic, header: &Header, payload: Vec<u8>) -> Result<()> {
        let sending = self.send_all(topic, vec![(header.key.clone(), payload)]);
        match timeout(PATIENCE, sending).await {
            Ok(sent) => sent,
            Err(_) => bail!("no receipt within {PATIENCE:?}"),
        }
    }

    /// A client of its own each time: what one attempt breaks does not reach the next.
    async fn send_all(&self, topic: Topic, messages: Vec<(String, Vec<u8>)>) -> Result<()> {
        let client = Pulsar::builder(&self.url, TokioExecutor).build().await?;
        for (key, payload) in messages {
            let partition = schemas::partition(&key, self.partitions);
            let name = format!("{}/{}-partition-{partition}", self.place, topic.name());
            let options = ProducerOptions {
                schema: Some(Schema {
                    name: topic.name().to_owned(),
                    schema_data: WriterSchema::current(topic).text().as_bytes().to_vec(),
                    r#type: 4,
                    properties: Vec::new(),
                }),
                ..ProducerOptions::default()
            };
            let building = client.producer().with_topic(name).with_options(options);
            let mut producer = Box::pin(building.build()).await?;
            let raw = RawMessage {
                payload,
                partition_key: Some(key),
                ..RawMessage::default()
            };
            let receipt = Box::pin(producer.send_non_blocking(raw)).await?;
            receipt.await.context("no receipt")?;
        }
        Ok(())
    }
}
