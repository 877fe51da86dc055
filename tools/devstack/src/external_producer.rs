//! Somebody else's system, which reports to tracking by the broker.

use anyhow::Result;
use pulsar::producer::SendFuture;
use pulsar::proto::Schema;
use pulsar::{Producer, ProducerOptions, TokioExecutor};
use schemas::{Body, Message, RecordEventV1, Topic, WriterSchema};
use uuid::Uuid;

use crate::infra;
use crate::producers::{self, EXTERNAL_PRODUCER, ProducerKeys};
use crate::settings::Settings;

/// Sends commands that have no place in a stream.
pub struct ExternalProducer {
    producer: Producer<TokioExecutor>,
    keys: ProducerKeys,
    topic: Topic,
    name: String,
}

impl ExternalProducer {
    /// Opens a producer of this name to the topic's first partition.
    pub async fn open(settings: &Settings, topic: Topic, name: &str) -> Result<Self> {
        let keys = settings.producer_keys();
        keys.need((name, EXTERNAL_PRODUCER.1))?;
        let client = Box::pin(infra::impatient_broker_client(settings)?.build()).await?;
        let place = infra::place(settings)?;
        let partition = format!("persistent://{}/{topic}-partition-0", place.path());
        let building = client.producer().with_topic(partition);
        let building = building.with_options(producer_options(topic));
        Ok(Self {
            producer: Box::pin(building.build()).await?,
            keys,
            topic,
            name: name.to_owned(),
        })
    }

    /// Sends a command: what shows that the broker has it.
    pub async fn send(&mut self, message: &Message) -> Result<SendFuture> {
        let payload = schemas::encode(self.topic, &message.header, &message.body)?;
        let raw = self.keys.message(&self.name, self.topic, payload)?;
        Ok(Box::pin(self.producer.send_non_blocking(raw)).await?)
    }

    /// Reports something of `user123`: the command's id, and what shows that the broker has it.
    pub async fn report(&mut self, event_type: &str) -> Result<(Uuid, SendFuture)> {
        let id = Uuid::now_v7();
        let conversion = types::ConversionId::of_command(id).to_string();
        let about = (&*conversion, &*conversion);
        let message = producers::written(id, &self.name, self.topic, about, body(event_type))?;
        Ok((id, self.send(&message).await?))
    }
}

/// A producer presents its topic's schema, or the broker refuses it.
pub fn producer_options(topic: Topic) -> ProducerOptions {
    ProducerOptions {
        schema: Some(Schema {
            name: topic.name().to_owned(),
            schema_data: WriterSchema::current(topic).text().as_bytes().to_vec(),
            r#type: 4,
            properties: Vec::new(),
        }),
        ..ProducerOptions::default()
    }
}

fn body(event_type: &str) -> Body {
    Body::RecordEventV1(RecordEventV1 {
        event_type: event_type.to_owned(),
        user_id: "user123".to_owned(),
        occurred_at: None,
        amount: None,
        currency: None,
        order_id: None,
        campaign_id: None,
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    })
}
