//! The logs of those that are followed, read again from their first message over HTTP.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet, VecDeque};

use messaging::relay::TransportError;
use messaging::transport::Peers;
use messaging::transport::history::{self, HistoryQuery};
use messaging::transport::wire::{BatchSchema, MessageBatch};
use messaging::{Backoff, StreamId};
use schemas::{DecodeError, Service, Topic, WriterSchema};
use sqlx::{PgConnection, PgPool};
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::ReplayError;
use super::feed::{Fed, Patience, Target};

/// How long a sender that was away is left alone, from the first time to the last.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_LAST: Duration = Duration::from_secs(15);

/// Messages of one batch at most, and bytes of them, unless the last is longer.
const MAX_MESSAGES: usize = 500;
const MAX_BYTES: usize = 1_048_576;

/// Every stream that is followed, one topic after another: topics have no order between them. Those of one topic come in the order of their
/// sender's log, since rows get their places in lists as they are folded.
#[derive(Clone)]
pub struct Followed {
    senders: Peers,
    pool: PgPool,
    at: HashMap<StreamId, At>,
    /// What was read of each partition and not fed yet, one part at most, with positions in the sender's log.
    ahead: HashMap<(Topic, i32), VecDeque<(i64, Fed)>>,
    /// Messages that are in the retry queue here: the live tables do not have them either.
    in_retry_queue: Option<Box<InRetryQueue>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct InRetryQueue {
    now: HashSet<Uuid>,
    /// Those that an operator edited.
    edited: HashSet<Uuid>,
    /// Those that an operator dropped: the live tables never had them.
    dropped: HashSet<Uuid>,
}

impl InRetryQueue {
    async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let now: Vec<Uuid> = sqlx::query_scalar("SELECT message_id FROM pipeline.parked")
            .fetch_all(&mut *connection)
            .await?;
        let acted_upon: Vec<(Uuid, bool)> = sqlx::query_as(
            "SELECT p.message_id, a.action = 'parked.drop' FROM pipeline.parked_before p JOIN pipeline.audit a ON a.id = p.audit",
        )
        .fetch_all(connection)
        .await?;
        let ids = |dropped| {
            let acted_upon = acted_upon.iter().filter(move |it| it.1 == dropped);
            acted_upon.map(|it| it.0).collect()
        };
        Ok(Self {
            now: now.into_iter().collect(),
            edited: ids(false),
            dropped: ids(true),
        })
    }
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
    pub fn new(senders: Peers, pool: PgPool) -> Self {
        Self {
            senders,
            pool,
            at: HashMap::new(),
            ahead: HashMap::new(),
            in_retry_queue: None,
        }
    }

    /// Messages read so far.
    pub(super) fn done(&self) -> i64 {
        self.at.values().map(|at| at.sequence).sum()
    }

    pub(super) async fn next(
        &mut self,
        until: &Target,
        patience: Patience,
    ) -> Result<Vec<Fed>, ReplayError> {
        if self.in_retry_queue.is_none() {
            self.in_retry_queue = Some(Box::new(
                InRetryQueue::read(&mut *self.pool.acquire().await?).await?,
            ));
        }
        let mut streams: Vec<_> = until.watermarks.iter().collect();
        streams.sort_by_key(|(stream, _)| (stream.topic.name(), stream.partition, stream.epoch));
        let topics = streams.chunk_by(|(one, _), (other, _)| one.topic == other.topic);
        for streams in topics {
            let fed = self.next_of(streams, patience).await?;
            if !fed.is_empty() {
                return Ok(fed);
            }
        }
        Ok(Vec::new())
    }

    /// The next of one topic's streams, which are given with their ends, by partitions and epochs.
    async fn next_of(
        &mut self,
        streams: &[(&StreamId, &i64)],
        patience: Patience,
    ) -> Result<Vec<Fed>, ReplayError> {
        let (mut fed, mut bytes) = (Vec::new(), 0);
        while fed.len() < MAX_MESSAGES && bytes < MAX_BYTES {
            for (stream, until) in streams {
                self.read_ahead(stream, **until, patience).await?;
            }
            let partitions = self.ahead.values_mut();
            let heads = partitions.filter_map(|ahead| Some((ahead.front()?.0, ahead)));
            let earliest = heads.min_by_key(|(position, _)| *position);
            let Some((_, next)) = earliest.and_then(|(_, ahead)| ahead.pop_front()) else {
                break;
            };
            bytes += next.bytes;
            fed.push(next);
        }
        Ok(fed)
    }

    /// Reads a part of a stream where nothing is left of its partition's before it.
    async fn read_ahead(
        &mut self,
        stream: &StreamId,
        until: i64,
        patience: Patience,
    ) -> Result<(), ReplayError> {
        let partition = (stream.topic, stream.partition);
        let is_empty = |ahead: &HashMap<_, VecDeque<_>>| {
            let ahead = ahead.get(&partition);
            ahead.is_none_or(VecDeque::is_empty)
        };
        // All of what was read may be in the retry queue here.
        while is_empty(&self.ahead) && self.at.get(stream).map_or(0, |at| at.sequence) < until {
            let read = self.read(stream, until, patience).await?;
            self.ahead.entry(partition).or_default().extend(read);
        }
        Ok(())
    }

    /// Whether what was left out is what the live tables have not, as this transaction sees both.
    pub(super) async fn is_as_folded(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), ReplayError> {
        let Some(folded) = &self.in_retry_queue else {
            return Ok(());
        };
        let now = InRetryQueue::read(connection).await?;
        if now == **folded {
            Ok(())
        } else {
            Err(ReplayError::RetryQueueChanged)
        }
    }

    /// What a sender has of it. One that is away fails a replay that has read nothing yet; later it is waited for, since all that was
    /// read until then would have to be read again.
    async fn history(
        &self,
        owner: Service,
        query: &HistoryQuery,
        patience: Patience,
    ) -> Result<(MessageBatch, Vec<i64>), TransportError> {
        let until = patience.end();
        let left = || until.saturating_duration_since(Instant::now());
        let mut backoff = Backoff::new(AGAIN_FIRST, AGAIN_LAST);
        loop {
            match history::read(&self.senders, owner, query, left()).await {
                Err(TransportError::Outage(reason)) => {
                    let wait = backoff.wait();
                    if self.done() == 0 || wait >= left() {
                        return Err(TransportError::Outage(reason));
                    }
                    let owner = owner.name();
                    tracing::warn!(owner, reason, retry_in = ?wait, "a log cannot be read now; the replay waits");
                    tokio::time::sleep(wait).await;
                }
                read => return read,
            }
        }
    }

    async fn read(
        &mut self,
        stream: &StreamId,
        until: i64,
        patience: Patience,
    ) -> Result<Vec<(i64, Fed)>, ReplayError> {
        let mut at = self.at.get(stream).copied().unwrap_or_default();
        let owner = stream.topic.owner();
        let query = HistoryQuery {
            topic: stream.topic.name().to_owned(),
            partition: stream.partition,
            after: at.position,
        };
        let unreadable = |what: String| ReplayError::Sender(format!("{}: {what}", owner.name()));
        let read = self.history(owner, &query, patience);
        let (batch, positions) = read.await.map_err(|error| unreadable(error.to_string()))?;
        let schemas = writers(stream.topic, &batch.schemas).map_err(unreadable)?;
        // What was handled of this epoch beyond is lost: its log was restored.
        if batch.messages.is_empty() && batch.epoch > stream.epoch {
            at.sequence = until;
        }
        let in_retry_queue = self.in_retry_queue.get_or_insert_default();
        let mut fed = Vec::with_capacity(batch.messages.len());
        for (message, position) in batch.messages.into_iter().zip(positions) {
            let schema = usize::try_from(message.schema)
                .ok()
                .and_then(|index| schemas.get(index));
            let schema =
                schema.ok_or_else(|| unreadable("a message without a schema".to_owned()))?;
            let read = schemas::decode(schema, &message.body);
            let header = match &read {
                Ok(read) => Some(read.header.clone()),
                Err(_) => schemas::decode_header(schema, &message.body).ok(),
            };
            let epoch = header.as_ref().and_then(|header| header.epoch);
            match epoch.unwrap_or(stream.epoch).cmp(&stream.epoch) {
                Ordering::Less => {
                    at.position = position;
                    continue;
                }
                // Beyond it is lost, too.
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
            let is_in =
                |ids: &HashSet<Uuid>| header.as_ref().is_some_and(|it| ids.contains(&it.id));
            if is_in(&in_retry_queue.now) || is_in(&in_retry_queue.dropped) {
                continue;
            }
            match read {
                Ok(read) => {
                    let read = Fed {
                        position: 0,
                        message: read,
                        bytes: message.body.len(),
                    };
                    fed.push((position, read));
                }
                // What was folded once must not be left out because this build cannot read it.
                Err(error @ DecodeError::Unreadable(_)) if !is_in(&in_retry_queue.edited) => {
                    let sequence = at.sequence;
                    return Err(unreadable(format!("message {sequence} is {error}")));
                }
                // What cannot be read here went to the retry queue, too.
                Err(_) => {}
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
    schemas: &[BatchSchema],
) -> Result<Vec<std::sync::Arc<WriterSchema>>, String> {
    schemas
        .iter()
        .map(|schema| {
            let text = schema.text.as_deref().unwrap_or_default();
            WriterSchema::parse(topic, text).map_err(|error| error.to_string())
        })
        .collect()
}
