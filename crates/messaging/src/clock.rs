//! The clock, for edges only: everything below has its time passed in. And where the log of a database ends and its test clock
//! stands, which is in `pipeline.log_head`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, FromRow, PgConnection, PgExecutor, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use types::Micros;
use types::clock::{self, Offset};
pub use types::clock::{now, real, real_of};

use crate::engine::advance;
use crate::locks::AdvisoryLock;
use crate::tx::Writer;

/// A process knows of another's commits, and goes by another's move of the clock, after so long at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The same where nothing was committed at the last so many looks, and nothing waits in the retry queue or for a redrive.
const LOOK_AT_REST: Duration = Duration::from_millis(500);
const LOOKS_BEFORE_REST: u32 = 20;
/// A look is not answered for so long before another connection is tried, which has as long.
const SILENCE: Duration = Duration::from_secs(5);
/// The least for which a look that another connection answered is waited for.
const GRACE_MIN: Duration = Duration::from_secs(15);

/// Where a database's test clock stands.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ClockState {
    /// Microseconds that are added to the database's clock.
    pub clock_offset: i64,
    /// The time of the log's end: nothing is decided before it.
    pub last_time: i64,
    /// The time by which is decided.
    pub now: i64,
    /// The database's clock.
    pub database_time: i64,
}

impl ClockState {
    /// How far it is ahead.
    pub fn offset(&self) -> Offset {
        Offset(self.clock_offset)
    }

    /// Whether the log ends so far ahead of the database's clock, more than by a day, that a test clock was set back since, or the clock of the
    /// server was wrong.
    pub fn is_far_behind(&self) -> bool {
        let latest = self.database_time.saturating_add(Micros::PER_DAY);
        self.clock_offset == 0 && self.last_time > latest
    }

    /// For the rest of this process, if it follows its database's clock.
    pub fn take_over(&self) {
        clock::moved(self.offset(), Micros(self.last_time));
    }
}

/// Reads where it stands.
pub async fn state(database: impl PgExecutor<'_>) -> Result<ClockState, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT clock_offset, last_time, ",
        crate::sql_now!(),
        " AS now, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS database_time FROM pipeline.log_head"
    ))
    .fetch_one(database)
    .await
}

/// Moves it, in a transaction that holds the writer lock from here on: no batch is decided by both times. `None`, and nothing is
/// moved, when it is ahead of that already and `forward` only is wanted.
pub async fn set(
    connection: &mut PgConnection,
    to: Offset,
    forward: bool,
) -> Result<Option<(ClockState, ClockState)>, sqlx::Error> {
    sqlx::query(AdvisoryLock::Log.hold())
        .execute(&mut *connection)
        .await?;
    let before = state(&mut *connection).await?;
    if forward && before.offset() > to {
        return Ok(None);
    }
    sqlx::query("UPDATE pipeline.log_head SET clock_offset = $1")
        .bind(to.0)
        .execute(&mut *connection)
        .await?;
    let after = state(&mut *connection).await?;
    Ok(Some((before, after)))
}

/// Lets a log that is empty yet begin at another time; one that is not goes on as it was. Whether it was empty.
pub async fn begin(pool: &PgPool, at: Offset) -> Result<bool, sqlx::Error> {
    let begun = sqlx::query(
        "UPDATE pipeline.log_head SET clock_offset = $1 WHERE position = 0 AND last_time = 0 AND clock_offset = 0",
    )
    .bind(at.0)
    .execute(pool)
    .await?;
    Ok(begun.rows_affected() > 0)
}

/// What a process looks at all the time.
#[derive(Debug, FromRow)]
struct Head {
    position: i64,
    clock_offset: i64,
    last_time: i64,
    /// The transaction that wrote it last, as each that has the log's lock does, whatever else it writes.
    written_by: i64,
    /// It changes when a cursor of the relay is moved back.
    relay_epoch: Option<i64>,
    /// The time by which is decided.
    now: i64,
    /// When the retry queue has something due next.
    retry_at: Option<i64>,
    redrives: bool,
}

/// What was found at the last look, for what looks for due times: so that a process with nothing to do asks its database once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// The time by which the database decided then.
    pub now: Micros,
    /// When that was known here.
    pub at: Instant,
    /// Whether something may be due in the retry queue.
    pub retries: bool,
    /// Whether a redrive may be under way.
    pub redrives: bool,
}

impl Default for Looked {
    /// Before the first look no time is known, and anything may be in the retry queue or under way.
    fn default() -> Self {
        Self {
            now: Micros(0),
            at: Instant::now(),
            retries: true,
            redrives: true,
        }
    }
}

impl Looked {
    /// A time by which the database decides now at the earliest, unless its clock was set back since: what is due by it is due. `None` before the
    /// first look.
    pub fn now_at_least(&self) -> Option<Micros> {
        let since = i64::try_from(self.at.elapsed().as_micros()).unwrap_or(0);
        (self.now > Micros(0)).then(|| Micros(self.now.0.saturating_add(since)))
    }
}

/// Looks at the log's head for this whole process: it learns of what other processes have committed, and goes by its database's
/// clock, whichever process moves it. What is decided in a transaction takes its time from there anyway; this is for edges.
pub async fn watch_head(
    pool: PgPool,
    writer: Writer,
    committed: Arc<watch::Sender<i64>>,
    looked: Arc<watch::Sender<Looked>>,
    stop: CancellationToken,
) {
    let mut seen = None;
    let mut looks = 0_u32;
    // One connection for all looks, beside those of the pool, which asks the server whenever it gets one back.
    let mut connection = None;
    loop {
        let head = tokio::select! {
            // After a process was frozen all of it may have come at once.
            biased;
            () = stop.cancelled() => break,
            head = look(&pool, &mut connection) => head,
            () = is_answered_elsewhere(&pool) => {
                tracing::error!("the database answers new connections and not those that there are: its host is another, or the way to it");
                return;
            }
        };
        // A database that is away has moved nothing.
        if let Ok(head) = head {
            clock::moved(Offset(head.clock_offset), Micros(head.last_time));
            looked.send_replace(Looked {
                now: Micros(head.now),
                at: Instant::now(),
                retries: head.retry_at.is_some_and(|at| at <= head.now),
                redrives: head.redrives,
            });
            let written_by = writer.memory.written_by(head.written_by);
            let found = Some((head.position, written_by, head.relay_epoch));
            let is_new = std::mem::replace(&mut seen, found) != found;
            if is_new {
                advance(&committed, head.position);
            }
            let is_awake = is_new || head.redrives || head.retry_at.is_some();
            looks = if is_awake { 0 } else { looks.saturating_add(1) };
        }
        let every = if looks < LOOKS_BEFORE_REST {
            LOOK_EVERY
        } else {
            LOOK_AT_REST
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(every) => {}
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
}

/// Ends when what was asked was not answered for long, and a new connection is answered the same at once. No error tells of a host
/// that lost its power behind an address that another took over: the system tries for a quarter of an hour to send what is not
/// acknowledged, and waits for ever for the answer to what was.
async fn is_answered_elsewhere(pool: &PgPool) {
    let began = Instant::now();
    loop {
        tokio::time::sleep(SILENCE).await;
        let probe = async {
            let mut new = Some(PgConnection::connect_with(&pool.connect_options()).await?);
            look(pool, &mut new).await
        };
        if let Ok(Ok(_)) = timeout(SILENCE, probe).await {
            // Both may have waited for the same. And behind a way that was gone what was asked is sent again only after as long once more: the
            // pauses between tries double.
            tokio::time::sleep(began.elapsed().max(GRACE_MIN)).await;
            return;
        }
    }
}

/// By the connection that is kept, unless it broke.
async fn look(pool: &PgPool, kept: &mut Option<PgConnection>) -> Result<Head, sqlx::Error> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => pool.acquire().await?.detach(),
    };
    let head = sqlx::query_as(concat!(
        "SELECT position, clock_offset, last_time, xmin::text::bigint AS written_by,
                (SELECT max(relay_epoch) FROM pipeline.relay_cursor) AS relay_epoch, ",
        crate::sql_now!(),
        " AS now,
                (SELECT min(next_at) FROM pipeline.parked WHERE state IN ('waiting', 'retrying', 'queued')) AS retry_at,
                EXISTS (SELECT FROM pipeline.redrive WHERE state = 'running') AS redrives
         FROM pipeline.log_head"
    ))
    .fetch_one(&mut connection)
    .await?;
    *kept = Some(connection);
    Ok(head)
}
