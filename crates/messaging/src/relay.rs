//! The relay: ships the log's bytes as they stand, one unacknowledged entry for each stream and transport.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Topic, WriterSchema};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::clock;
use crate::epoch::{self, Epoch};
use crate::health::{Health, Shut};
use crate::locks::AdvisoryLock;
use crate::log::{self, LogRow};
use crate::schema_ids::SchemaIdError;
use crate::sqlstate;
use crate::stream::Watermark;
use crate::supervise::Tasks;
use crate::trace::{MessageSpan, Operation, Spans};
use crate::tx::Writer;

/// The most messages in one entry.
pub const ENTRY_MESSAGES: usize = 500;
/// The most bytes in one entry, unless one message alone is larger.
pub const ENTRY_BYTES: usize = 524_288;
/// How long nothing but word of a commit is waited for before the log is looked at again: short while another process wrote
/// lately, of which there is word late, then longer and longer.
const POLL: std::ops::Range<Duration> = Duration::from_millis(10)..Duration::from_secs(5);
/// How often a process that does not lead asks for the lock.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// A leader that does not show up at its session for so long, frozen or cut off, loses the lock: the server ends the
/// session.
const SILENT_LEADER: &str = "SET idle_session_timeout = '4s'";
const LEADER_ANSWERS: Duration = Duration::from_secs(10);
/// Messages that are looked at to tell how long a closed transport keeps them waiting.
const LOOK: i64 = 500;
const CURSOR_EVERY: Duration = Duration::from_millis(500);
/// A shipper that only ships what its own process committed looks into the table so often: whether the cursor is still its own.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Messages of one stream and one writer schema, in order.
#[derive(Debug)]
pub struct Entry {
    /// Their topic.
    pub topic: Topic,
    /// Their partition.
    pub partition: i32,
    /// What they were written with.
    pub schema: Arc<WriterSchema>,
    /// Never empty.
    pub rows: Vec<Arc<LogRow>>,
    /// Their epoch.
    pub epoch: i64,
    /// The emitting service.
    pub source: &'static str,
}

/// Where a transport wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Behind the last acknowledged entry that the sender noted.
    Cursor,
    /// Behind what the follower has handled last.
    After(Watermark),
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    /// It is safe at the broker.
    Acknowledged,
    /// The follower has handled everything up to this sequence.
    Handled(i64),
}

/// Any error, or a result that is not known: the transport is closed, and opened again from where its start says.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Who is at the other end is away, or cannot now.
    #[error("{0}")]
    Outage(String),
    /// It says no, or has no such place: it would again.
    #[error("{0}")]
    Refused(String),
}

impl TransportError {
    /// An outage, in these words.
    pub(crate) fn outage(what: impl std::fmt::Display) -> Self {
        Self::Outage(what.to_string())
    }

    /// A refusal, in these words.
    pub(crate) fn refused(what: impl std::fmt::Display) -> Self {
        Self::Refused(what.to_string())
    }
}

/// A way to a broker's topic or to one follower.
pub trait Transport: Send + 'static {
    /// For logs and metrics.
    fn name(&self) -> String;
    /// Opens what is needed to ship messages of an epoch of the log. May be asked again for an older one.
    fn open(&mut self, epoch: i64) -> impl Future<Output = Result<Start, TransportError>> + Send;
    /// Ships one entry and waits until it is safe.
    fn ship(
        &mut self,
        entry: &Entry,
    ) -> impl Future<Output = Result<Shipped, TransportError>> + Send;
    /// Drops whatever is open.
    fn close(&mut self);
}

/// What every shipper of a database shares.
#[derive(Clone)]
pub struct Source {
    /// The database.
    pub pool: PgPool,
    /// Who writes its log in this process.
    pub writer: Writer,
    /// Gets the log's head: after each commit of this process at once, and soon after each of another.
    pub committed: watch::Receiver<i64>,
    /// Records what was sent.
    pub spans: Option<Arc<dyn Spans>>,
}

impl Source {
    /// Each message of an entry that is safe at the other end, in its own trace.
    fn trace(&self, transport: &impl Transport, entry: &Entry) {
        let Some(spans) = &self.spans else {
            return;
        };
        let transport = transport.name();
        let ended = clock::real();
        for row in &entry.rows {
            let Ok(header) = schemas::decode_header(&entry.schema, &row.body) else {
                continue;
            };
            spans.record(&MessageSpan {
                operation: Operation::Send,
                header: &header,
                span_id: None,
                topic: entry.topic.name(),
                via: &transport,
                result: "sent",
                together: entry.rows.len(),
                started: clock::real_of(header.time),
                ended,
            });
        }
    }
}

/// Why a shipper had to start again.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("{0}")]
    Ahead(String),
    #[error(
        "the relay's cursor is another's: its lock went to another replica, or an operator moved it"
    )]
    Fenced,
}

impl ShipError {
    fn shut(&self) -> Shut {
        let why = self.to_string();
        match self {
            Self::Sql(_) | Self::Transport(TransportError::Outage(_)) | Self::Fenced => {
                Shut::Outage(why)
            }
            Self::Schema(_) | Self::Transport(TransportError::Refused(_)) | Self::Ahead(_) => {
                Shut::NotReady(why)
            }
        }
    }
}

/// Runs shippers while this process holds the database's relay lock; `start` makes them.
pub async fn lead(
    pool: PgPool,
    stop: CancellationToken,
    start: impl Fn(&Tasks, i64) + Send + Sync,
) {
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = lead_once(&pool, &stop, &start) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the relay's lock is not to be had now");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
}

async fn lead_once(
    pool: &PgPool,
    stop: &CancellationToken,
    start: &(impl Fn(&Tasks, i64) + Send + Sync),
) -> Result<(), sqlx::Error> {
    // A session of its own: the lock lasts as long as it does.
    let mut session: PgConnection = pool.acquire().await?.detach();
    answered(sqlx::query(SILENT_LEADER).execute(&mut session)).await?;
    while !answered(
        sqlx::query_scalar::<_, bool>(AdvisoryLock::Leader.ask()).fetch_one(&mut session),
    )
    .await?
    {
        tokio::time::sleep(ASK_EVERY).await;
    }
    let raised = sqlx::query_scalar(
        "WITH raised AS (UPDATE pipeline.relay_cursor SET relay_epoch = (SELECT max(relay_epoch) + 1 FROM pipeline.relay_cursor) RETURNING relay_epoch)
         SELECT coalesce(max(relay_epoch), 1) FROM raised",
    );
    let epoch: i64 = answered(raised.fetch_one(&mut session)).await?;
    let tasks = Tasks::new(stop.child_token());
    start(&tasks, epoch);
    tracing::info!(relay_epoch = epoch, "this process relays the log");
    let lost = loop {
        tokio::select! {
            () = tasks.stop().cancelled() => break Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        if let Err(error) = answered(session.ping()).await {
            tracing::warn!(%error, "the relay's lock is lost");
            break Err(error);
        }
    };
    tasks.stop().cancel();
    tasks.finished().await;
    let _ = answered(session.close()).await;
    lost
}

/// What the leader's session is not answered by then is lost, and so is the lock: the server ends a session that it hears nothing of.
async fn answered<T>(
    question: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = tokio::time::timeout(LEADER_ANSWERS, question).await;
    answer.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}

/// Ships one stream by one transport until stopped.
pub async fn ship(
    mut source: Source,
    mut transport: impl Transport,
    topic: Topic,
    partition: i32,
    relay_epoch: i64,
    health: Health,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MAX);
    let lag = Lag::of(&transport.name(), topic, partition);
    metrics::counter!("tributary_relay_errors_total", "transport" => transport.name()).increment(0);
    health.travels(&transport.name(), topic, partition);
    // Where a follower stands that was not reached yet it alone knows: what is committed from now on waits for it in any case.
    let began = *source.committed.borrow();
    let mut reached = None;
    loop {
        let started = Instant::now();
        let error = tokio::select! {
            () = stop.cancelled() => break,
            ended = ship_open(&mut source, &mut transport, (topic, partition, relay_epoch), &health, &lag, &mut reached) => ended,
        };
        transport.close();
        if started.elapsed() > BACKOFF_MAX * 2 {
            backoff.reset();
        }
        let wait = backoff.wait();
        if let Err(error) = error {
            match &error {
                // Whoever leads next has the cursor as it is now.
                ShipError::Fenced => stop.cancel(),
                ShipError::Sql(error) => sqlstate::note(error),
                ShipError::Ahead(reason) => {
                    health.halted(&transport.name(), topic, partition, reason);
                }
                _ => {}
            }
            health.failed(&transport.name(), topic, partition, error.shut());
            metrics::counter!("tributary_relay_errors_total", "transport" => transport.name())
                .increment(1);
            tracing::warn!(transport = transport.name(), topic = topic.name(), partition, %error, retry_in = ?wait,
                "shipping starts again from the last known place");
            let at = reached.unwrap_or(began);
            lag.look(&source.pool, topic, partition, at).await;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    transport.close();
    // Whoever relays from now on reports.
    lag.report(0, None);
    health.left(&transport.name(), topic, partition);
}

/// What of a stream waits to be shipped by a transport: how many messages, up to an entry's, and for how long the oldest.
struct Lag {
    messages: metrics::Gauge,
    seconds: metrics::Gauge,
}

impl Lag {
    fn of(transport: &str, topic: Topic, partition: i32) -> Self {
        let labels = [
            metrics::Label::new("transport", transport.to_owned()),
            metrics::Label::new("topic", topic.name()),
            metrics::Label::new("partition", partition.to_string()),
        ];
        let lag = Self {
            messages: metrics::gauge!("tributary_relay_lag_messages", labels.iter()),
            seconds: metrics::gauge!("tributary_relay_lag_seconds", labels.iter()),
        };
        lag.report(0, None);
        lag
    }

    /// Of so many that wait, the first is of this time.
    fn report(&self, waiting: usize, oldest: Option<i64>) {
        self.messages
            .set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
        let oldest = oldest.map_or(0, |time| clock::now().0 - time);
        let oldest = Duration::from_micros(u64::try_from(oldest).unwrap_or(0));
        self.seconds.set(oldest.as_secs_f64());
    }

    /// While the transport is closed the wait goes on. What cannot be read now is reported next time.
    async fn look(&self, pool: &PgPool, topic: Topic, partition: i32, after: i64) {
        if let Ok(rows) = log::stream_after(pool, topic, partition, after, LOOK).await {
            self.report(rows.len(), rows.first().map(|row| row.time));
        }
    }
}

async fn ship_open(
    source: &mut Source,
    transport: &mut impl Transport,
    (topic, partition, relay_epoch): (Topic, i32, i64),
    health: &Health,
    lag: &Lag,
    reached: &mut Option<i64>,
) -> Result<(), ShipError> {
    let stored = load_cursor(&source.pool, topic, partition, relay_epoch).await?;
    if stored > 0 {
        reached.get_or_insert(stored);
    }
    let epochs = epoch::all(&source.pool).await?;
    let current = epoch::newest(&epochs);
    let (start, mut at) = begin(source, transport, topic, partition, stored, &epochs).await?;
    health.opened(&transport.name(), topic, partition);
    health.goes_on(&transport.name(), topic, partition);
    let (mut saved, mut saved_at) = (at, Instant::now());
    let tail = source.writer.tail.read();
    let mut look = Look::new();
    loop {
        let committed = *source.committed.borrow_and_update();
        let ours = tail.after(topic, partition, at, ENTRY_MESSAGES);
        let known = ours.as_ref().map_or(at, |ours| ours.head);
        let ours = ours.filter(|ours| ours.head >= committed && !look.is_due());
        let (epoch, head, through, mut rows) = if let Some(ours) = ours {
            (ours.epoch, ours.head, ours.through, ours.rows)
        } else {
            let limit = i64::try_from(ENTRY_MESSAGES).unwrap_or(500);
            let found = log::stream_window(&source.pool, topic, partition, at, limit).await?;
            if found.relay_epoch.is_some_and(|whose| whose != relay_epoch) {
                return Err(ShipError::Fenced);
            }
            look.found(found.rows.last().is_some_and(|row| row.position > known));
            let mut through = found.through;
            if found.rows.is_empty() && through < found.head {
                through = log::nothing_to(&source.pool, topic, partition, through).await?;
            }
            (found.epoch, found.head, through, shared(found.rows))
        };
        if epoch != current {
            return Err(TransportError::outage("the log goes on under another epoch").into());
        }
        *reached = Some(at);
        lag.report(rows.len(), rows.first().map(|row| row.time));
        let all = through >= head;
        while !rows.is_empty() {
            let rest = rows.split_off(entry_length(&rows, &epochs));
            let schemas = &source.writer.schema_ids;
            let schema = schemas.get(&source.pool, rows[0].schema_id).await?;
            let (last, last_sequence) = rows
                .last()
                .map_or((at, 0), |row| (row.position, row.sequence.unwrap_or(0)));
            let entry = Entry {
                topic,
                partition,
                schema,
                epoch: epoch::of(&epochs, rows[0].position),
                rows,
                source: source.writer.service.name(),
            };
            match transport.ship(&entry).await? {
                Shipped::Handled(watermark) if watermark < last_sequence => {
                    let reason =
                        format!("the follower stands at {watermark}, not at {last_sequence}");
                    return Err(TransportError::refused(reason).into());
                }
                Shipped::Acknowledged | Shipped::Handled(_) => at = last,
            }
            source.trace(transport, &entry);
            rows = rest;
        }
        at = at.max(through);
        if start == Start::Cursor && saved < at && saved_at.elapsed() > CURSOR_EVERY {
            save_cursor(&source.pool, topic, partition, at, relay_epoch).await?;
            (saved, saved_at) = (at, Instant::now());
        }
        if all {
            look.wait(&mut source.committed).await;
        }
    }
}

fn shared(rows: Vec<LogRow>) -> Vec<Arc<LogRow>> {
    rows.into_iter().map(Arc::new).collect()
}

/// When the table is looked at, for what this process did not write itself.
struct Look {
    poll: Duration,
    due: Instant,
}

impl Look {
    fn new() -> Self {
        Self {
            poll: POLL.start,
            due: Instant::now(),
        }
    }

    fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// It was looked at, and there was something that this process has not written, or nothing.
    fn found(&mut self, others_write: bool) {
        self.poll = if others_write {
            POLL.start
        } else {
            (self.poll * 2).min(POLL.end)
        };
        self.due = Instant::now() + LOOK_EVERY;
    }

    /// Waits for a commit of this process, or until another's is to be looked for.
    async fn wait(&mut self, committed: &mut watch::Receiver<i64>) {
        // An error means that the engine is gone: then the poll alone goes on.
        let changed = tokio::time::timeout(self.poll, committed.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            self.due = Instant::now();
        }
    }
}

/// Opens the transport and finds where to begin: the follower stands in the newest epoch of which it has handled anything.
async fn begin(
    source: &Source,
    transport: &mut impl Transport,
    topic: Topic,
    partition: i32,
    stored: i64,
    epochs: &[Epoch],
) -> Result<(Start, i64), ShipError> {
    let pool = &source.pool;
    let oldest = epochs.first().map_or(1, |epoch| epoch.epoch);
    let mut newest = true;
    for Epoch { epoch, .. } in epochs.iter().rev() {
        let start = transport.open(*epoch).await?;
        match start {
            Start::Cursor => return Ok((start, stored)),
            Start::After(at) if at.sequence == 0 && *epoch != oldest => newest = false,
            Start::After(stands) => {
                if newest {
                    let transport = transport.name();
                    assert_same_history(pool, &transport, (topic, partition), *epoch, stands)
                        .await?;
                }
                let sequence = stands.sequence;
                let at = log::passed(pool, topic, partition, *epoch, sequence).await?;
                return Ok((start, at));
            }
        }
    }
    Ok((Start::Cursor, stored))
}

/// A follower that has handled more than the log has, or another message at its place, has followed another history.
async fn assert_same_history(
    pool: &PgPool,
    transport: &str,
    (topic, partition): (Topic, i32),
    epoch: i64,
    stands: Watermark,
) -> Result<(), ShipError> {
    if stands.sequence == 0 {
        return Ok(());
    }
    let last = log::last_sequence(pool, topic, partition).await?;
    let name = topic.name();
    let differs = if stands.sequence > last {
        format!("this log ends at message {last} of {name}")
    } else {
        let sequence = stands.sequence;
        let at = log::position_of_sequence(pool, topic, partition, epoch, sequence).await?;
        let here = log::all_after(pool, at - 1, 1).await?;
        let here = here
            .first()
            .filter(|row| row.sequence == Some(stands.sequence));
        match (here, stands.time) {
            (Some(row), Some(time)) if row.time != time => {
                format!("message {} of {name} is another one here", stands.sequence)
            }
            _ => return Ok(()),
        }
    };
    Err(ShipError::Ahead(format!(
        "{transport} has handled message {}, and {differs}: this database was restored from a backup: follow \
         docs/runbooks/restore.md (tributary epoch raise)",
        stands.sequence
    )))
}

/// How many of the rows make one entry: one writer schema, one epoch, bounded bytes, at least one message.
fn entry_length(rows: &[Arc<LogRow>], epochs: &[Epoch]) -> usize {
    let mut bytes = 0;
    let epoch = epoch::of(epochs, rows[0].position);
    let fits = rows
        .iter()
        .take_while(|row| {
            bytes += row.body.len();
            bytes <= ENTRY_BYTES
                && row.schema_id == rows[0].schema_id
                && epoch::of(epochs, row.position) == epoch
        })
        .count();
    fits.max(1)
}

async fn load_cursor(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    relay_epoch: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO pipeline.relay_cursor (topic, partition, position, relay_epoch) VALUES ($1, $2, 0, $3)
         ON CONFLICT (topic, partition) DO UPDATE SET position = relay_cursor.position RETURNING position",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(relay_epoch)
    .fetch_one(pool)
    .await
}

/// Sends a stream again by the broker from behind a position, which followers tell by their watermarks: so it is safe at
/// any time. Returns how far it had been shipped, or `None` when it never was.
pub async fn rewind(
    connection: &mut PgConnection,
    topic: Topic,
    partition: i32,
    position: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "WITH before AS (SELECT position FROM pipeline.relay_cursor WHERE topic = $1 AND partition = $2 FOR UPDATE)
         UPDATE pipeline.relay_cursor c SET position = least(c.position, $3), relay_epoch = c.relay_epoch + 1
           FROM before WHERE topic = $1 AND partition = $2 RETURNING before.position",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(position)
    .fetch_optional(connection)
    .await
}

/// Moves the stored cursor, unless another replica has taken the relay over. Losing the last move to a crash only means
/// that some messages are sent again, so it does not wait for the disk.
async fn save_cursor(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    position: i64,
    relay_epoch: i64,
) -> Result<(), ShipError> {
    let mut tx = crate::begin(pool, "BEGIN; SET LOCAL synchronous_commit = off").await?;
    let moved = sqlx::query(
        "UPDATE pipeline.relay_cursor SET position = $3 WHERE topic = $1 AND partition = $2 AND relay_epoch = $4",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(position)
    .bind(relay_epoch)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    if moved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(ShipError::Fenced)
    }
}
