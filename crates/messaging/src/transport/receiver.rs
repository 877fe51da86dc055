//! The follower's side of the HTTP and the in-process transport: a batch in, a watermark out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use schemas::{Service, Topic, WriterSchema};
use sqlx::PgPool;
use types::ids;

use crate::inbound::{Answer, Hint, Inbound, Wire};
use crate::queue::FlowSender;
use crate::stream::Watermark;
use crate::transport::wire::MessageBatch;
use crate::trust::{Sender, Vouching};

/// A batch that is not committed by then is answered with a failure; the sender asks for the watermark and goes on.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Writer schemas kept; the releases of eight topics fit many times.
const MAX_SCHEMAS: usize = 256;

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not a batch at all: the sender's fault, not a message's.
    #[error("{0}")]
    Unreadable(String),
    /// A message of the stream is missing.
    #[error("the stream stands at {watermark}")]
    Gap {
        /// The last handled sequence.
        watermark: i64,
    },
    /// The sender's log has another history than the one that was followed.
    #[error("{0}")]
    Halted(String),
    /// The queue is full, or no commit came in time.
    #[error("{0}")]
    Busy(&'static str),
}

/// Takes batches for one service, each sender's in a flow of its own.
#[derive(Clone)]
pub struct Receiver {
    pool: PgPool,
    flows: Arc<HashMap<Service, FlowSender>>,
    schemas: Arc<Mutex<HashMap<String, Arc<WriterSchema>>>>,
}

impl Receiver {
    /// Takes batches into the queue that the flow leads to.
    pub fn new(pool: PgPool, flow: &FlowSender) -> Self {
        let flows = Service::ALL.map(|sender| (sender, flow.another()));
        Self {
            pool,
            flows: Arc::new(HashMap::from(flows)),
            schemas: Arc::default(),
        }
    }

    /// Whether somebody waits in this process for what comes of facts.
    pub fn is_waited_for(&self) -> bool {
        self.any_flow(FlowSender::is_waited_for)
    }

    /// Whether something waits here, and nothing but what nobody waits for.
    pub fn waits_for_company(&self) -> bool {
        self.any_flow(FlowSender::waits_for_company)
    }

    /// What holds of the one queue that all flows lead to.
    fn any_flow(&self, holds: impl FnOnce(&FlowSender) -> bool) -> bool {
        self.flows.values().next().is_some_and(holds)
    }

    /// Where a stream stands; at sequence 0 when nothing of it ever came.
    pub async fn watermark(
        &self,
        source: &str,
        epoch: i64,
        topic: Topic,
        partition: i32,
    ) -> Result<Watermark, sqlx::Error> {
        let at: Option<(i64, Option<i64>)> = sqlx::query_as(
            "SELECT sequence, time FROM pipeline.watermark WHERE source = $1 AND epoch = $2 AND topic = $3 AND partition = $4",
        )
        .bind(source)
        .bind(epoch)
        .bind(topic.name())
        .bind(partition)
        .fetch_optional(&self.pool)
        .await?;
        let (sequence, time) = at.unwrap_or((0, None));
        Ok(Watermark { sequence, time })
    }

    /// Takes a batch of the service that it names, which the caller has made sure of, and answers after its commit with the stream's watermark.
    pub async fn take(&self, batch: MessageBatch) -> Result<i64, Refusal> {
        let topic = Topic::parse(&batch.topic)
            .ok_or_else(|| Refusal::Unreadable(format!("there is no topic {}", batch.topic)))?;
        let sender = Service::parse(&batch.source)
            .ok_or_else(|| Refusal::Unreadable("no such sender".to_owned()))?;
        let flow = self.flows.get(&sender);
        let flow = flow.ok_or_else(|| Refusal::Unreadable("no such sender".to_owned()))?;
        let sender = Sender::Service(sender);
        let writers = self.writers(topic, &batch)?;
        let mut inbounds = Vec::with_capacity(batch.messages.len());
        let last = batch.messages.last().map_or(0, |message| message.sequence);
        for message in batch.messages {
            let writer = usize::try_from(message.schema)
                .ok()
                .and_then(|index| writers.get(index));
            let Some(writer) = writer else {
                return Err(Refusal::Unreadable(
                    "a message names no schema of the batch".to_owned(),
                ));
            };
            let place = || {
                let (source, epoch) = (&batch.source, batch.epoch);
                let place = format!("{source}/{epoch}/{}/{}", topic.name(), message.sequence);
                ids::derive(&["http-message", &place])
            };
            let hint = Hint {
                source: Some(&batch.source),
                epoch: Some(batch.epoch),
                sequence: Some(message.sequence),
                subject: Some(&message.subject),
                ..Hint::default()
            };
            let wire = Wire {
                schema: Arc::clone(writer),
                bytes: Bytes::from(message.body),
            };
            let vouching = Vouching::Transport(&sender);
            let inbound = Inbound::read(topic, batch.partition, wire, place, &hint, vouching);
            if inbound.source != batch.source {
                return Err(Refusal::Unreadable(
                    "a message names another source than its batch".to_owned(),
                ));
            }
            inbounds.push(inbound);
        }
        let answers = flow
            .offer(inbounds)
            .map_err(|_| Refusal::Busy("the queue is full"))?;
        let answers = tokio::time::timeout(COMMIT_TIMEOUT, answers)
            .await
            .map_err(|_| Refusal::Busy("no commit in time"))?
            .map_err(|_| Refusal::Busy("the service stops"))?;
        let halted = answers.iter().find_map(|answer| match answer {
            Answer::Halted { reason } => Some(reason.clone()),
            _ => None,
        });
        if let Some(reason) = halted {
            return Err(Refusal::Halted(reason));
        }
        let gap = answers.iter().find_map(|answer| match answer {
            Answer::Gap { expected, .. } => Some(expected - 1),
            _ => None,
        });
        gap.map_or(Ok(last), |watermark| Err(Refusal::Gap { watermark }))
    }

    fn writers(
        &self,
        topic: Topic,
        batch: &MessageBatch,
    ) -> Result<Vec<Arc<WriterSchema>>, Refusal> {
        let mut known = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writers = Vec::with_capacity(batch.schemas.len());
        for schema in &batch.schemas {
            let name = format!("{}/{}", topic.name(), schema.sha256);
            if let Some(text) = &schema.text {
                if known.len() >= MAX_SCHEMAS {
                    known.clear();
                }
                if !known.contains_key(&name) {
                    let parsed = WriterSchema::parse(topic, text)
                        .map_err(|error| Refusal::Unreadable(error.to_string()))?;
                    known.insert(name.clone(), parsed);
                }
            }
            let writer = known.get(&name).ok_or_else(|| {
                Refusal::Unreadable("send the text of every schema again".to_owned())
            })?;
            writers.push(Arc::clone(writer));
        }
        Ok(writers)
    }
}
