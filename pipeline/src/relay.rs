//! The relay: ships the log's bytes as they stand, one unacknowledged entry for each stream and road.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use planted::Fault;
use schemas::{Topic, WriterSchema};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::log::{self, LogRow};
use crate::schema_ids::{SchemaIdError, SchemaIds};
use crate::supervise::Tasks;

/// The most messages in one entry.
pub const ENTRY_MESSAGES: usize = 500;
/// The most bytes in one entry, unless one message alone is larger.
pub const ENTRY_BYTES: usize = 524_288;
/// How long nothing but a wake-up of this process is waited for before the log is looked at again, because another
/// replica may have written: short while something was found lately, then longer and longer.
const POLL: std::ops::Range<Duration> = Duration::from_millis(10)..Duration::from_millis(200);
/// How often a process that does not lead asks for the lock.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// A leader that does not show up at its session for so long, frozen or cut off, loses the lock: the server ends the
/// session.
const SILENT_LEADER: &str = "SET idle_session_timeout = '4s'";
const CURSOR_EVERY: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
const RELAY_LOCK: &str = "SELECT pg_try_advisory_lock(74617203)";

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
    pub rows: Vec<LogRow>,
    /// The log's epoch.
    pub epoch: i64,
    /// The emitting service.
    pub source: &'static str,
}

/// Where a road wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Behind the last acknowledged entry that the sender noted.
    Cursor,
    /// Behind this sequence, which the follower has handled.
    After(i64),
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    /// It is safe at the broker.
    Acknowledged,
    /// The follower has handled everything up to this sequence.
    Handled(i64),
}

/// Any error or doubt: the road is closed, and opened again from where its start says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RoadError(pub String);

/// A way to a broker's topic or to one follower.
pub trait Road: Send + 'static {
    /// For logs and metrics.
    fn name(&self) -> String;
    /// Opens what is needed to ship messages of the log's current epoch.
    fn open(&mut self, epoch: i64) -> impl Future<Output = Result<Start, RoadError>> + Send;
    /// Ships one entry and waits until it is safe.
    fn ship(&mut self, entry: &Entry) -> impl Future<Output = Result<Shipped, RoadError>> + Send;
    /// Drops whatever is open.
    fn close(&mut self);
}

/// What every shipper of a database shares.
#[derive(Clone)]
pub struct Source {
    /// The database.
    pub pool: PgPool,
    /// Whose log it is.
    pub service: &'static str,
    /// Its writer schemas.
    pub schema_ids: SchemaIds,
    /// Told the head after each commit of this process.
    pub committed: watch::Receiver<i64>,
}

/// Why a shipper had to start again.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    #[error(transparent)]
    Road(#[from] RoadError),
    #[error("the relay's lock went to another replica")]
    Fenced,
}

/// Runs shippers while this process holds the database's relay lock; `start` makes them.
pub async fn lead(
    pool: PgPool,
    stop: CancellationToken,
    start: impl Fn(&Tasks, i64) + Send + Sync,
) {
    while !stop.is_cancelled() {
        let led = tokio::select! {
            () = stop.cancelled() => return,
            led = lead_once(&pool, &stop, &start) => led,
        };
        if let Err(error) = led {
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
    sqlx::query(SILENT_LEADER).execute(&mut session).await?;
    while !sqlx::query_scalar::<_, bool>(RELAY_LOCK)
        .fetch_one(&mut session)
        .await?
    {
        tokio::time::sleep(ASK_EVERY).await;
    }
    let epoch: i64 = sqlx::query_scalar(
        "WITH raised AS (UPDATE pipeline.relay_cursor SET relay_epoch = (SELECT max(relay_epoch) + 1 FROM pipeline.relay_cursor) RETURNING relay_epoch)
         SELECT coalesce(max(relay_epoch), 1) FROM raised",
    )
    .fetch_one(&mut session)
    .await?;
    let tasks = Tasks::new(stop.child_token());
    start(&tasks, epoch);
    tracing::info!(relay_epoch = epoch, "this process relays the log");
    let lost = loop {
        tokio::select! {
            () = tasks.stop().cancelled() => break Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        if let Err(error) = session.ping().await {
            tracing::warn!(%error, "the relay's lock is lost");
            break Err(error);
        }
    };
    tasks.stop().cancel();
    tasks.finished().await;
    let _ = session.close().await;
    lost
}

/// Ships one stream by one road until told to stop.
pub async fn ship(
    mut source: Source,
    mut road: impl Road,
    topic: Topic,
    partition: i32,
    relay_epoch: i64,
    health: Health,
    stop: CancellationToken,
) {
    let mut backoff = Duration::from_millis(50);
    loop {
        let started = Instant::now();
        let error = tokio::select! {
            () = stop.cancelled() => break,
            ended = ship_open(&mut source, &mut road, topic, partition, relay_epoch, &health) => ended,
        };
        road.close();
        if started.elapsed() > BACKOFF_MAX * 2 {
            backoff = Duration::from_millis(50);
        }
        if let Err(error) = error {
            health.failed(&road.name(), topic, partition, &error.to_string());
            metrics::counter!("tributary_relay_errors_total", "road" => road.name()).increment(1);
            tracing::warn!(road = road.name(), topic = topic.name(), partition, %error, retry_in = ?backoff,
                "shipping starts again from the last known place");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
    road.close();
}

async fn ship_open(
    source: &mut Source,
    road: &mut impl Road,
    topic: Topic,
    partition: i32,
    relay_epoch: i64,
    health: &Health,
) -> Result<(), ShipError> {
    let stored = load_cursor(&source.pool, topic, partition, relay_epoch).await?;
    let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM pipeline.log_head")
        .fetch_one(&source.pool)
        .await?;
    let start = road.open(epoch).await?;
    health.opened(&road.name(), topic, partition);
    let mut at = match start {
        Start::Cursor => stored,
        Start::After(sequence) => {
            log::position_of_sequence(&source.pool, topic, partition, sequence).await?
        }
    };
    let (mut saved, mut saved_at) = (at, Instant::now());
    let mut poll = POLL.start;
    let lag = metrics::gauge!("tributary_relay_lag_messages", "road" => road.name(), "topic" => topic.name());
    let mut idle = true;
    loop {
        // What this process has committed is there to be read; of other replicas only the database knows.
        let told = *source.committed.borrow_and_update();
        let head = if idle {
            log::head(&source.pool).await?
        } else {
            told
        };
        let limit = i64::try_from(ENTRY_MESSAGES).unwrap_or(500);
        let mut rows = if idle && at >= head {
            Vec::new()
        } else {
            log::stream_after(&source.pool, topic, partition, at, limit).await?
        };
        lag.set(f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX)));
        if !rows.is_empty() {
            poll = POLL.start;
        }
        let all = rows.len() < ENTRY_MESSAGES;
        while !rows.is_empty() {
            let rest = rows.split_off(entry_length(&rows));
            let schema = source
                .schema_ids
                .get(&source.pool, rows[0].schema_id)
                .await?;
            let (last, last_sequence) = rows
                .last()
                .map_or((at, 0), |row| (row.position, row.sequence.unwrap_or(0)));
            let entry = Entry {
                topic,
                partition,
                schema,
                rows,
                epoch,
                source: source.service,
            };
            if planted::is(Fault::CursorBeforeAcknowledgement) && start == Start::Cursor {
                save_cursor(&source.pool, topic, partition, last, relay_epoch).await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let shipped = road.ship(&entry).await;
            if shipped.is_err() && planted::is(Fault::RelayGoesOnAfterError) {
                (at, rows) = (last, rest);
                continue;
            }
            match shipped? {
                Shipped::Handled(watermark) if watermark < last_sequence => {
                    let reason =
                        format!("the follower stands at {watermark}, not at {last_sequence}");
                    return Err(RoadError(reason).into());
                }
                Shipped::Acknowledged | Shipped::Handled(_) => at = last,
            }
            rows = rest;
        }
        if all {
            // Up to this head all of the stream was read: what is left is other streams', or not published.
            at = at.max(head);
        }
        if start == Start::Cursor && saved < at && saved_at.elapsed() > CURSOR_EVERY {
            save_cursor(&source.pool, topic, partition, at, relay_epoch).await?;
            (saved, saved_at) = (at, Instant::now());
        }
        if all {
            // An error means that the engine is gone: then the poll alone goes on.
            let woken = tokio::time::timeout(poll, source.committed.changed()).await;
            idle = !matches!(woken, Ok(Ok(())));
            poll = (poll * 2).min(POLL.end);
        }
    }
}

/// How many of the rows make one entry: one writer schema, bounded bytes, at least one message.
fn entry_length(rows: &[LogRow]) -> usize {
    let mut bytes = 0;
    let fits = rows
        .iter()
        .take_while(|row| {
            bytes += row.body.len();
            bytes <= ENTRY_BYTES && row.schema_id == rows[0].schema_id
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

/// Moves the stored cursor, unless another replica has taken the relay over. Losing the last move to a crash only means
/// that some messages are sent again, so it does not wait for the disk.
async fn save_cursor(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    position: i64,
    relay_epoch: i64,
) -> Result<(), ShipError> {
    let mut tx = pool
        .begin_with("BEGIN; SET LOCAL synchronous_commit = off")
        .await?;
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
