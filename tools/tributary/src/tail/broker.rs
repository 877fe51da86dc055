//! From the broker's topic, by a reader that leaves nothing behind there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use pulsar::consumer::{ConsumerOptions, InitialPosition};
use pulsar::reader::Reader;
use pulsar::{Pulsar, TokioExecutor};
use schemas::{Topic, WriterSchema};
use serde_json::json;
use tokio::time::timeout;

use super::{Tail, line, wanted};
use devstack::infra::{broker_client, impatient_broker_client, place};
use devstack::provision::Place;
use devstack::settings::Settings;

/// A topic counts as read to its end when nothing came for so long.
const QUIET: Duration = Duration::from_secs(2);

type TopicReader = Reader<Vec<u8>, TokioExecutor>;

/// The last `count` of each partition, and with `follow` what comes after.
pub(super) async fn read(settings: &Settings, topic: Topic, tail: &Tail) -> Result<()> {
    let place = place(settings)?;
    // Who follows goes on when the broker was away for a while.
    let client = if tail.follow {
        broker_client(settings)?
    } else {
        impatient_broker_client(settings)?
    };
    let client = client
        .build()
        .await
        .context("the broker: is the stack up? (./start.sh)")?;
    let mut readers = Vec::new();
    for partition in 0..place.partitions {
        readers.push(Box::pin(reader(&client, &place, topic, partition)).await?);
    }
    let mut schemas = Schemas {
        place,
        topic,
        known: HashMap::new(),
    };
    for reader in &mut readers {
        for shown in kept(reader, &mut schemas, tail).await? {
            println!("{shown}");
        }
    }
    if tail.follow {
        let mut all = futures::stream::select_all(readers);
        while let Some(message) = all.next().await {
            if let Some(shown) = schemas.show(&message?, tail).await? {
                println!("{shown}");
            }
        }
    }
    Ok(())
}

async fn reader(
    client: &Pulsar<TokioExecutor>,
    place: &Place,
    topic: Topic,
    partition: u32,
) -> Result<TopicReader> {
    let options = ConsumerOptions::default()
        .with_initial_position(InitialPosition::Earliest)
        .durable(false);
    let name = format!(
        "persistent://{}/{topic}-partition-{partition}",
        place.path()
    );
    let builder = client.reader().with_topic(name).with_options(options);
    let reader = Box::pin(builder.into_reader()).await;
    reader.with_context(|| format!("cannot read {topic}"))
}

async fn kept(
    reader: &mut TopicReader,
    schemas: &mut Schemas,
    tail: &Tail,
) -> Result<VecDeque<String>> {
    let mut kept = VecDeque::new();
    let began = types::clock::real().get() / 1_000;
    while let Ok(Some(message)) = timeout(QUIET, reader.next()).await {
        let message = message?;
        if let Some(shown) = schemas.show(&message, tail).await? {
            kept.push_back(shown);
            if kept.len() > tail.count {
                kept.pop_front();
            }
        }
        // A topic that is used is never quiet.
        let published = i64::try_from(message.payload.metadata.publish_time);
        if published.is_ok_and(|at| at >= began) {
            break;
        }
    }
    Ok(kept)
}

/// Writer schemas by the broker's version of them.
struct Schemas {
    place: Place,
    topic: Topic,
    known: HashMap<i64, Arc<WriterSchema>>,
}

impl Schemas {
    async fn show(
        &mut self,
        message: &pulsar::consumer::Message<Vec<u8>>,
        tail: &Tail,
    ) -> Result<Option<String>> {
        let version = message
            .payload
            .metadata
            .schema_version
            .as_deref()
            .unwrap_or_default();
        let schema = self
            .of(i64::from_be_bytes(version.try_into().unwrap_or_default()))
            .await?;
        let bytes = &message.payload.data;
        let id = message.message_id();
        let place = json!({"topic": message.topic, "ledger": id.ledger_id, "entry": id.entry_id, "index": id.batch_index});
        Ok(wanted(tail, &schema, bytes).then(|| line(&schema, bytes, &place)))
    }

    async fn of(&mut self, version: i64) -> Result<Arc<WriterSchema>> {
        if let Some(schema) = self.known.get(&version) {
            return Ok(Arc::clone(schema));
        }
        let path = format!(
            "schemas/{}/{}/schema/{version}",
            self.place.path(),
            self.topic
        );
        let found = self.place.admin.get(&path).await?;
        let text = found["data"].as_str().context("a schema's text")?;
        let schema = WriterSchema::parse(self.topic, text)?;
        self.known.insert(version, Arc::clone(&schema));
        Ok(schema)
    }
}
