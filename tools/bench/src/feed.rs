//! Purchases as an external producer sends them to the tracking command topic.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use futures::future::try_join_all;
use pulsar::producer::Message as RawMessage;
use pulsar::{Producer, ProducerOptions, TokioExecutor};
use schemas::{Body, Message, RecordEventV1, Topic};
use types::{CampaignId, ConversionId, Micros, OrderId, clock};
use uuid::Uuid;

use super::people::{Buyer, People};
use devstack::external_producer::producer_options;
use devstack::infra;
use devstack::producers::{self, BENCHMARK, ProducerKeys};
use devstack::settings::Settings;

/// Produces purchases.
pub struct Feed {
    producers: Vec<Producer<TokioExecutor>>,
    keys: ProducerKeys,
    people: People,
    next: u64,
    run: String,
    sent_at: HashMap<Uuid, i64>,
    /// Since when purchases are due, and how many a second.
    due: Option<(Micros, u64)>,
}

impl Feed {
    /// Opens a producer for each partition.
    pub async fn open(settings: &Settings, people: People) -> Result<Self> {
        let keys = settings.producer_keys();
        keys.need(BENCHMARK)?;
        let client = infra::broker_client(settings)?
            .with_outbound_channel_size(4_000)
            .build()
            .await?;
        let topic = Topic::TrackingCommands;
        let (tenant, namespace) = (
            settings.need("PULSAR_TENANT")?,
            settings.need("PULSAR_NAMESPACE")?,
        );
        let partitions: u32 = settings.need("PULSAR_TOPIC_PARTITIONS")?.parse()?;
        let mut producers = Vec::new();
        for partition in 0..partitions {
            let options = ProducerOptions {
                batch_size: Some(1_000),
                block_queue_if_full: true,
                ..producer_options(topic)
            };
            let name = format!(
                "persistent://{tenant}/{namespace}/{}-partition-{partition}",
                topic.name()
            );
            let producer = client.producer().with_topic(name).with_options(options);
            producers.push(Box::pin(producer.build()).await?);
        }
        Ok(Self {
            producers,
            keys,
            people,
            next: 0,
            run: Uuid::now_v7().simple().to_string(),
            sent_at: HashMap::new(),
            due: None,
        })
    }

    /// Forgets what was sent before. What follows is due at so many a second from now on, if that is said.
    pub fn begin_phase(&mut self, rate: Option<u64>) {
        self.sent_at.clear();
        self.due = rate.map(|rate| (clock::now(), rate));
    }

    /// When the next purchase is due, in microseconds: what a broker that stalls keeps waiting has waited since then.
    fn next_due(&self) -> Option<i64> {
        let (began, rate) = self.due?;
        let since = self.sent().saturating_mul(1_000_000) / rate.max(1);
        Some(began.get().saturating_add(i64::try_from(since).ok()?))
    }

    /// Purchases sent in this phase.
    pub fn sent(&self) -> u64 {
        self.sent_at.len() as u64
    }

    /// When each was due, or made where none is due at a time, by correlation id, in microseconds.
    pub fn sent_at(&self) -> &HashMap<Uuid, i64> {
        &self.sent_at
    }

    /// Sends so many as one entry for each partition, and waits until the broker has them.
    pub async fn send(&mut self, count: u64) -> Result<()> {
        let partitions = u32::try_from(self.producers.len())?;
        let mut receipts = Vec::new();
        for _ in 0..count {
            let message = self.purchase()?;
            let due = self.next_due().unwrap_or(message.header.time.0);
            self.sent_at.insert(message.header.correlation_id, due);
            let payload = schemas::encode(Topic::TrackingCommands, &message.header, &message.body)?;
            let partition = schemas::partition(&message.header.key, partitions);
            let raw = RawMessage {
                partition_key: Some(message.header.key),
                ..self
                    .keys
                    .message(&message.header.source, Topic::TrackingCommands, payload)?
            };
            let producer = &mut self.producers[usize::try_from(partition)?];
            receipts.push(Box::pin(producer.send_non_blocking(raw)).await?);
        }
        try_join_all(self.producers.iter_mut().map(Producer::send_batch)).await?;
        for receipt in receipts {
            receipt.await?;
        }
        Ok(())
    }

    fn purchase(&mut self) -> Result<Message> {
        self.next += 1;
        let number = self.next;
        let order = format!("{}_{number}", self.run);
        let Buyer {
            user,
            campaign,
            producer,
        } = self.people.buyer(number).clone();
        let campaign_id =
            CampaignId::parse(campaign.clone()).map_err(|error| anyhow!("{error}"))?;
        let order_id = OrderId::parse(order.clone()).map_err(|error| anyhow!("{error}"))?;
        let conversion = ConversionId::of_order(Some(&campaign_id), &order_id).to_string();
        let body = Body::RecordEventV1(RecordEventV1 {
            event_type: "purchase".to_owned(),
            user_id: user,
            occurred_at: None,
            amount: Some(format!("{}.{:02}", 20 + number % 80, number % 100)),
            currency: Some("USD".to_owned()),
            order_id: Some(order),
            campaign_id: Some(campaign),
            click_id: None,
            product_id: None,
            metadata: None,
            visitor: None,
            conversion_id: None,
        });
        let about = (&*conversion, &*conversion);
        let topic = Topic::TrackingCommands;
        producers::written(Uuid::now_v7(), &producer, topic, about, body)
    }
}
