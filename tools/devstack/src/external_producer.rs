//! Somebody else's system, which reports to tracking by the broker.

use anyhow::Result;
use pulsar::producer::SendFuture;
use pulsar::proto::Schema;
use pulsar::{Producer, ProducerOptions, TokioExecutor};
use schemas::{Body, RecordEventV1, Topic, WriterSchema};
use uuid::Uuid;

use crate::infra;
use crate::producers::{self, EXTERNAL_PRODUCER, ProducerKeys};
use crate::settings::Settings;

const TOPIC: Topic = Topic::TrackingCommands;

/// Sends commands that have no place in a stream.
pub struct ExternalProducer {
    producer: Producer<TokioExecutor>,
    keys: ProducerKeys,
}

impl ExternalProducer {
    /// Opens a producer to the first partition.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let keys = settings.producer_keys();
        keys.need(EXTERNAL_PRODUCER)?;
        let client = Box::pin(infra::broker_client(settings)?.build()).await?;
        let place = infra::place(settings)?;
        let name = format!("persistent://{}/{TOPIC}-partition-0", place.path());
        let building = client.producer().with_topic(name);
        let building = building.with_options(producer_options(TOPIC));
        Ok(Self {
            producer: Box::pin(building.build()).await?,
            keys,
        })
    }

    /// Reports something of `user123`: the command's id, and what shows that the broker has it.
    pub async fn report(&mut self, event_type: &str) -> Result<(Uuid, SendFuture)> {
        let id = Uuid::now_v7();
        let conversion = types::ConversionId::of_command(id).to_string();
        let about = (&*conversion, &*conversion);
        let message = producers::written(id, EXTERNAL_PRODUCER.0, TOPIC, about, body(event_type))?;
        let payload = schemas::encode(TOPIC, &message.header, &message.body)?;
        let raw = self.keys.message(EXTERNAL_PRODUCER.0, TOPIC, payload)?;
        let receipt = Box::pin(self.producer.send_non_blocking(raw)).await?;
        Ok((id, receipt))
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
    })
}
