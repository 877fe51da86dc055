//! The batches: what waits in the queue becomes one transaction.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use schemas::Service;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use types::Micros;

use crate::attempt::{Attempt, Done, FACTS_DEAD_LETTERED, Failure};
use crate::backoff::Backoff;
use crate::begin;
use crate::clock;
use crate::dyn_domain::DynDomain;
use crate::gauges;
use crate::health::Health;
use crate::inbound::{Answer, Content, Inbound, Item};
use crate::queue::{Batch, Queue};
use crate::retry_queue::{self, State};
use crate::service_state;
use crate::trace::{self, MessageSpan, Operation, Spans};
use crate::trust::Sender;
use crate::tx::{Lock, Writer};

const OUTAGE_BACKOFF_FIRST: Duration = Duration::from_millis(50);
const OUTAGE_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// So often a message alone may run into the statement timeout before that counts as its own fault.
const MAX_TIMEOUTS: u32 = 5;
/// For so long after a start that follows a death, at least, messages are handled one by one: transports take a moment to bring
/// again what the dead process had in flight.
const SUSPICIOUS_FOR: Duration = Duration::from_secs(2);

/// One service's batch loop.
pub struct Engine {
    pub(crate) domain: Arc<dyn DynDomain>,
    pub(crate) pool: PgPool,
    pub(crate) writer: Writer,
    queue: Queue,
    committed: Arc<watch::Sender<i64>>,
    pub(crate) retry_queue_changed: Arc<Notify>,
    health: Health,
    spans: Option<Arc<dyn Spans>>,
    patience: Duration,
}

impl Engine {
    /// A loop over a queue; `committed` gets the log's head after every commit.
    pub fn new(
        domain: Arc<dyn DynDomain>,
        pool: PgPool,
        writer: Writer,
        queue: Queue,
        committed: Arc<watch::Sender<i64>>,
    ) -> Self {
        Self {
            domain,
            pool,
            writer,
            queue,
            committed,
            retry_queue_changed: Arc::new(Notify::new()),
            health: Health::default(),
            spans: None,
            patience: begin::PATIENCE,
        }
    }

    /// Waits so long for the database in each try, and not a minute.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Says there when batches wait for the database.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Records what becomes of messages there.
    #[must_use]
    pub fn tracing(mut self, spans: Option<Arc<dyn Spans>>) -> Self {
        self.spans = spans;
        self
    }

    /// What decides.
    pub fn domain(&self) -> &dyn DynDomain {
        &*self.domain
    }

    /// Notified whenever something was parked, resumed or fed back.
    pub fn retry_queue_changed(&self) -> Arc<Notify> {
        Arc::clone(&self.retry_queue_changed)
    }

    /// Handles what waits, until it is stopped. `suspicious` handles what comes first message by message, each noted before
    /// it is tried, as is due after a process died.
    pub fn run(
        self: Arc<Self>,
        stop: CancellationToken,
        suspicious: bool,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.handle_until(stop, suspicious).await;
            self.queue.close();
        })
    }

    async fn handle_until(&self, stop: CancellationToken, mut suspicious: bool) {
        let started = Instant::now();
        // There from the start, so that the first one is seen as a change.
        metrics::counter!("tributary_retries_total").increment(0);
        for topic in self.domain.service().followed_topics() {
            metrics::counter!(FACTS_DEAD_LETTERED, "topic" => topic.name()).increment(0);
        }
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.queue.ready() => {}
            }
            let batch = self.queue.fill();
            let done = tokio::select! {
                biased;
                () = self.process(batch, suspicious) => true,
                () = stopped_late(&stop) => false,
            };
            if !done {
                return;
            }
            suspicious &= started.elapsed() < SUSPICIOUS_FOR;
        }
    }

    async fn process(&self, mut batch: Batch, suspicious: bool) {
        let (started, began) = (Instant::now(), clock::real());
        self.decode_wanted(&mut batch).await;
        for inbound in batch.items.iter_mut().flat_map(|item| &mut item.messages) {
            inbound.name_subject(|message| self.domain.subject_of(message));
        }
        let messages: Vec<&Inbound> = batch.items.iter().flat_map(|item| &item.messages).collect();
        let count = messages.len();
        let mut answers = if suspicious {
            self.one_by_one(&messages).await
        } else {
            self.persist(&messages).await
        };
        measure(self.domain.service().name(), &messages, &answers, started);
        if let Some(spans) = &self.spans {
            trace_batch(
                self.domain.service(),
                spans.as_ref(),
                &messages,
                &answers,
                began,
            );
        }
        drop(messages);
        debug_assert_eq!(answers.len(), count, "every message has one answer");
        for item in batch.items.drain(..) {
            let rest = answers.split_off(item.messages.len().min(answers.len()));
            // Nobody may be waiting any more: the effect stands all the same.
            let _ = item.done.send(std::mem::replace(&mut answers, rest));
        }
    }

    /// Decodes what was not yet, where somebody wants it.
    async fn decode_wanted(&self, batch: &mut Batch) {
        let of = |item: &Item| item.messages.iter().any(Inbound::is_undecoded);
        if !batch.items.iter().any(of) {
            return;
        }
        let wanted = self.answered(self.domain.wants_facts(&self.pool)).await;
        if wanted.unwrap_or(true) {
            for inbound in batch.items.iter_mut().flat_map(|item| &mut item.messages) {
                inbound.decode();
            }
        }
    }

    /// Handles messages until their transaction committed, however often it takes.
    pub(crate) async fn persist(&self, messages: &[&Inbound]) -> Vec<Answer> {
        let mut suspects: HashMap<usize, (State, String)> = HashMap::new();
        let mut backoff = Backoff::new(OUTAGE_BACKOFF_FIRST, OUTAGE_BACKOFF_MAX);
        let mut blamed_once = false;
        let mut unanswered_once = false;
        let mut timeouts = 0;
        loop {
            match self.attempt(messages, &suspects).await {
                Ok(done) => {
                    self.health.batches_go_on();
                    // Also where nothing was appended: there may be something for a job.
                    if !done.passed_by {
                        let has_log = self.domain.lock() == Lock::Log;
                        advance(&self.committed, if has_log { done.position } else { 0 });
                    }
                    if done.retry_queue_changed {
                        self.retry_queue_changed.notify_one();
                    }
                    return done.answers;
                }
                Err(Failure::Outage(reason)) => self.wait(&reason, &mut backoff).await,
                // Where the server does not end what takes long (before 17) less may be done in time.
                Err(Failure::Unanswered(reason)) => {
                    self.wait(&reason, &mut backoff).await;
                    if std::mem::replace(&mut unanswered_once, true) && messages.len() > 1 {
                        return self.singly(messages).await;
                    }
                }
                // One message cannot be halved: whatever keeps it waiting may pass. If not, nobody else waits for it.
                Err(Failure::TooLarge(reason)) if messages.len() == 1 => {
                    self.wait(&reason, &mut backoff).await;
                    timeouts += 1;
                    if timeouts >= MAX_TIMEOUTS {
                        suspects.insert(0, (State::Retrying, reason));
                    }
                }
                // Parking it failed too: that cannot be its fault.
                Err(Failure::Message(reason)) if suspects.len() == messages.len() => {
                    self.wait(&reason, &mut backoff).await;
                }
                Err(Failure::Suspect { index, reason }) => {
                    suspects.insert(index, (State::Retrying, reason));
                }
                Err(Failure::Message(reason)) if messages.len() == 1 => {
                    // A unique violation may be a race with another epoch of ourselves: once more, then it is a bug.
                    if std::mem::replace(&mut blamed_once, true) {
                        suspects.insert(0, (State::Retrying, reason));
                    }
                }
                Err(Failure::Message(reason) | Failure::TooLarge(reason)) => {
                    tracing::warn!(%reason, messages = messages.len(), "a batch failed; its messages are handled one by one");
                    return self.singly(messages).await;
                }
            }
        }
    }

    /// One try, which a database that is silent does not hold up for good.
    async fn attempt(
        &self,
        messages: &[&Inbound],
        suspects: &HashMap<usize, (State, String)>,
    ) -> Result<Done, Failure> {
        let engine = self;
        let attempt = Attempt { engine, suspects };
        let done = timeout(self.patience, attempt.run(messages)).await;
        done.unwrap_or_else(|_| {
            let reason = begin::unanswered(self.patience).to_string();
            Err(Failure::Unanswered(reason))
        })
    }

    /// What this comes to, unless the database does not answer any more.
    async fn answered<T>(
        &self,
        step: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        begin::answered_within(self.patience, step).await
    }

    async fn wait(&self, reason: &str, backoff: &mut Backoff) {
        let wait = backoff.wait();
        metrics::counter!("tributary_retries_total").increment(1);
        tracing::warn!(%reason, retry_in = ?wait, "the database cannot take the batch now; it waits");
        self.health.batches_wait(reason);
        tokio::time::sleep(wait).await;
    }

    async fn singly(&self, messages: &[&Inbound]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            answers.extend(Box::pin(self.persist(&[message])).await);
        }
        answers
    }

    /// After an unclean stop: one by one, each noted before it is tried, so that one that kills the process is found.
    async fn one_by_one(&self, messages: &[&Inbound]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            let trying = service_state::trying(&self.pool, message.id);
            // An error counts as a first time: the batch itself will report that the database is away.
            let attempts = self.answered(trying).await.unwrap_or(1);
            if attempts > retry_queue::MAX_ATTEMPTS {
                let reason = format!("the process died {} times while handling it", attempts - 1);
                // It had its tries: fed back, it would kill as many processes again before each of them counts.
                let suspects = HashMap::from([(0, (State::Dead, reason))]);
                if let Ok(done) = self.attempt(&[message], &suspects).await {
                    answers.extend(done.answers);
                    continue;
                }
            }
            answers.extend(self.persist(&[message]).await);
        }
        let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
        let tried = self.answered(service_state::tried(&self.pool, &ids)).await;
        if let Err(error) = tried {
            tracing::warn!(%error, "messages that were tried alone stay noted");
        }
        answers
    }
}

/// Notifies whoever waits for commits that there was one, and that the log's head is at least there.
pub fn advance(committed: &watch::Sender<i64>, position: i64) {
    committed.send_modify(|head| *head = position.max(*head));
}

/// Gives a batch in flight a moment to commit once the process is stopped.
async fn stopped_late(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// Each message of a batch in its own trace. What follows from a message names the span in which it was handled for good.
fn trace_batch(
    service: Service,
    spans: &dyn Spans,
    messages: &[&Inbound],
    answers: &[Answer],
    started: Micros,
) {
    let ended = clock::real();
    for (inbound, answer) in messages.iter().zip(answers) {
        let Some(header) = inbound.header() else {
            continue;
        };
        let is_final = matches!(answer, Answer::Done(_) | Answer::Rejected { .. });
        spans.record(&MessageSpan {
            operation: Operation::Process,
            header,
            span_id: is_final.then(|| trace::span_id(service, header.id)),
            topic: inbound.topic.name(),
            via: inbound.via.name(),
            result: answer.name(),
            together: messages.len(),
            started,
            ended,
        });
    }
}

fn measure(service: &'static str, messages: &[&Inbound], answers: &[Answer], started: Instant) {
    metrics::histogram!("tributary_batch_size", "service" => service)
        .record(f64::from(u32::try_from(messages.len()).unwrap_or(u32::MAX)));
    metrics::histogram!("tributary_batch_seconds", "service" => service)
        .record(started.elapsed().as_secs_f64());
    let mut counts: HashMap<(&str, &'static str), u64> = HashMap::new();
    let mut newest: HashMap<&'static str, i64> = HashMap::new();
    for (message, answer) in messages.iter().zip(answers) {
        let header = message.message().map(|m| &m.header);
        let kind = match (header, &message.content) {
            (Some(header), _) => header.kind.as_str(),
            (None, Content::Undecoded(claim)) => claim.kind.unwrap_or("unreadable"),
            // Of a stranger's message the payload alone was not read.
            (None, _) if matches!(message.sender, Sender::Unknown { .. }) => {
                message.kind().map_or("unreadable", |kind| kind.name)
            }
            (None, _) => "unreadable",
        };
        *counts.entry((kind, answer.name())).or_default() += 1;
        if let (Some(header), Some((stream, _))) = (header, &message.stream) {
            newest.insert(stream.topic.name(), header.time.0);
        }
    }
    for ((kind, result), count) in counts {
        metrics::counter!("tributary_messages_total", "type" => kind.to_owned(), "result" => result)
            .increment(count);
    }
    let now = clock::now().0;
    for (topic, time) in newest {
        let behind = Duration::from_micros(u64::try_from(now - time).unwrap_or(0));
        gauges::handled(topic, behind);
    }
}
