//! The logs of those that are followed, read again from their first message over HTTP.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use schemas::{Service, Topic, WriterSchema};
use sqlx::PgPool;
use uuid::Uuid;

use super::ReplayError;
use super::feed::{Fed, Target};
use crate::inbound::StreamId;
use crate::road::history::{self, Asked};
use crate::road::http::InternalKey;

/// Who reads, and how.
#[derive(Clone)]
pub struct Sender {
    /// The service that reads.
    pub reader: Service,
    /// Where each service is, by name.
    pub urls: HashMap<String, String>,
    /// What requests are signed with.
    pub key: InternalKey,
    /// For HTTP.
    pub client: reqwest::Client,
}

/// Every stream that is followed, one after another: streams have no order between them.
#[derive(Clone)]
pub struct Followed {
    sender: Sender,
    pool: PgPool,
    at: HashMap<StreamId, At>,
    /// Messages that are set aside here: the live tables do not have them either.
    aside: Option<HashSet<Uuid>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct At {
    sequence: i64,
    /// In the sender's log.
    position: i64,
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Followed {
    /// From the beginning; `pool` is the reader's own database.
    pub fn new(sender: Sender, pool: PgPool) -> Self {
        Self {
            sender,
            pool,
            at: HashMap::new(),
            aside: None,
        }
    }

    /// Messages read so far.
    pub(super) fn done(&self) -> i64 {
        self.at.values().map(|at| at.sequence).sum()
    }

    pub(super) async fn next(&mut self, until: &Target) -> Result<Vec<Fed>, ReplayError> {
        if self.aside.is_none() {
            let ids: Vec<Uuid> = sqlx::query_scalar("SELECT message_id FROM pipeline.parked")
                .fetch_all(&self.pool)
                .await?;
            self.aside = Some(ids.into_iter().collect());
        }
        let mut streams: Vec<_> = until.watermarks.iter().collect();
        streams.sort_by_key(|(stream, _)| (stream.topic.name(), stream.partition, stream.epoch));
        for (stream, watermark) in streams {
            while self.at.get(stream).map_or(0, |at| at.sequence) < *watermark {
                let fed = self.read(stream, *watermark).await?;
                // All of what was read may be set aside here.
                if !fed.is_empty() {
                    return Ok(fed);
                }
            }
        }
        Ok(Vec::new())
    }

    async fn read(&mut self, stream: &StreamId, until: i64) -> Result<Vec<Fed>, ReplayError> {
        let mut at = self.at.get(stream).copied().unwrap_or_default();
        let owner = stream.topic.owner();
        let asked = Asked {
            topic: stream.topic.name().to_owned(),
            partition: stream.partition,
            after: at.position,
        };
        let unreadable = |what: String| ReplayError::Sender(format!("{}: {what}", owner.name()));
        let url = self
            .sender
            .urls
            .get(owner.name())
            .map_or("", String::as_str);
        let sender = &self.sender;
        let read = history::read(
            &sender.client,
            url,
            &sender.key,
            (sender.reader, owner),
            &asked,
        );
        let (batch, positions) = read.await.map_err(|error| unreadable(error.to_string()))?;
        let schemas = writers(stream.topic, &batch.schemas).map_err(unreadable)?;
        let aside = self.aside.get_or_insert_default();
        let mut fed = Vec::with_capacity(batch.messages.len());
        for (message, position) in batch.messages.into_iter().zip(positions) {
            let schema = usize::try_from(message.schema)
                .ok()
                .and_then(|index| schemas.get(index));
            let schema =
                schema.ok_or_else(|| unreadable("a message without a schema".to_owned()))?;
            let read = schemas::decode(schema, &message.body).ok();
            let epoch = read.as_ref().and_then(|read| read.header.epoch);
            match epoch.unwrap_or(stream.epoch).cmp(&stream.epoch) {
                Ordering::Less => {
                    at.position = position;
                    continue;
                }
                // What was handled of this epoch beyond is lost: its log was restored.
                Ordering::Greater => at.sequence = until,
                Ordering::Equal => {}
            }
            if at.sequence == until {
                break;
            }
            if message.sequence != at.sequence + 1 {
                let (from, to) = (at.sequence, message.sequence);
                return Err(unreadable(format!("its log goes from {from} to {to}")));
            }
            at = At {
                sequence: message.sequence,
                position,
            };
            // What cannot be read here was set aside, too.
            if let Some(read) = read
                && !aside.contains(&read.header.id)
            {
                fed.push(Fed {
                    position: 0,
                    message: read,
                    bytes: message.body.len(),
                });
            }
        }
        let before = self.at.insert(stream.clone(), at).unwrap_or_default();
        if before == at {
            return Err(unreadable(format!(
                "its log ends at {}, which is before what was handled here",
                at.sequence
            )));
        }
        Ok(fed)
    }
}

fn writers(
    topic: Topic,
    schemas: &[crate::road::wire::BatchSchema],
) -> Result<Vec<std::sync::Arc<WriterSchema>>, String> {
    schemas
        .iter()
        .map(|schema| {
            let text = schema.text.as_deref().unwrap_or_default();
            WriterSchema::parse(topic, text).map_err(|error| error.to_string())
        })
        .collect()
}
