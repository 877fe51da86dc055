//! Waiting until nothing moves any more.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use schemas::{Service, Topic};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::Records;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A statement has what is left of the patience, and no less than this: on large tables it takes its time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// A server ends its statements itself: one that does not answer for so much longer is away.
const AWAY_AFTER: Duration = Duration::from_secs(5);

/// A connection to each database.
pub(super) type Databases = BTreeMap<Service, PgConnection>;

/// Waits until the stack is quiet: every log's streams are at all followers' watermarks, no command of the bff is
/// pending, nothing in the retry queue is going to be tried by itself, no payout, mail or call to the CRM is under way (what is not handed
/// over while payouts are paused is not) and no hold is due, and at the next look the logs stand where they stood.
///
/// What an external producer left at the broker is in no record yet: who sent it waits for its outcome first.
///
/// # Errors
/// What still moves when patience ends.
pub async fn settled(records: &Records, patience: Duration) -> Result<(), String> {
    let end = Instant::now() + patience;
    let mut last = None;
    loop {
        let limit = limit(end);
        let moving = match look_anew(records, limit).await {
            Ok(Look { moving: None, at }) if last.as_ref() == Some(&at.heads) => return Ok(()),
            Ok(Look { moving, at }) => {
                last = Some(at.heads);
                moving.unwrap_or_else(|| "the logs still grow".to_owned())
            }
            Err(error) => format!("the databases cannot be read: {error:#}"),
        };
        if Instant::now() >= end {
            return Err(format!("not quiet within {patience:?}: {moving}"));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// All databases as of one moment, each in a transaction of its own that reads what was there then: of a quiet stack where it is quiet within
/// this time. A job may end a hold at any time, and its effects at other services would be in some databases and not in others.
///
/// Where the stack stays as it is and is not quiet, it is as it is: so is what is broken.
pub(super) async fn snapshots(records: &Records, patience: Duration) -> Result<Databases> {
    let end = Instant::now() + patience;
    loop {
        let limit = limit(end);
        let mut databases = open(records, limit).await?;
        let before = look(&mut databases, limit).await?;
        // They wait for each other's copies.
        let all = databases.values_mut().map(|database| {
            database.execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1",
            )
        });
        try_join_all(all).await?;
        // What was there at the first look and is there in the snapshots was so in between, in all of them.
        let then = look(&mut databases, limit).await?;
        if (then.moving.is_none() && before == then) || Instant::now() >= end {
            for database in databases.values_mut() {
                database.execute("SET LOCAL statement_timeout = 0").await?;
            }
            return Ok(databases);
        }
        drop(databases);
        sleep(LOOK_EVERY).await;
    }
}

/// How long a statement may take.
fn limit(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
        .max(ANSWERS_WITHIN)
}

/// How far every log, stream and follower is. Two that are equal are of a stack in which nothing was handled meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    heads: Vec<i64>,
    streams: Vec<(Service, i64, Stream)>,
    marks: Vec<(Service, String, i64, Stream)>,
}

/// Where everything is now.
///
/// # Errors
/// When a database does not answer.
pub async fn positions(records: &Records) -> Result<Positions> {
    Ok(look_anew(records, ANSWERS_WITHIN).await?.at)
}

/// How often a source has sent again what a follower missed.
///
/// # Errors
/// When a database does not answer.
pub async fn resends(records: &Records) -> Result<i64> {
    let mut resends = 0;
    for (service, mut database) in open(records, ANSWERS_WITHIN).await? {
        let sql = "SELECT count(*) FROM pipeline.audit WHERE action = 'relay.resend'";
        let count = sqlx::query_scalar(sql).fetch_one(&mut database);
        let count: i64 = answer(ANSWERS_WITHIN, count)
            .await
            .with_context(|| format!("{service}'s database"))?;
        resends += count;
        database.close().await?;
    }
    Ok(resends)
}

#[derive(PartialEq, Eq)]
struct Look {
    at: Positions,
    moving: Option<String>,
}

type Stream = (String, i32, i64);

/// Connects to all databases, whose statements end by themselves.
async fn open(records: &Records, limit: Duration) -> Result<Databases> {
    let mut databases = Databases::new();
    for (&service, url) in &records.databases {
        let connect = async {
            let mut database = PgConnection::connect(url).await?;
            let limit = format!("SET statement_timeout = {}", limit.as_millis());
            database.execute(AssertSqlSafe(limit)).await?;
            Ok::<_, sqlx::Error>(database)
        };
        let database = timeout(ANSWERS_WITHIN, connect).await;
        let database = database.map_err(anyhow::Error::from);
        let database = database.and_then(|database| Ok(database?));
        let database = database
            .with_context(|| format!("{service}'s database: is the stack up? (./start.sh)"))?;
        databases.insert(service, database);
    }
    Ok(databases)
}

async fn look_anew(records: &Records, limit: Duration) -> Result<Look> {
    let mut databases = open(records, limit).await?;
    let look = look(&mut databases, limit).await?;
    for database in databases.into_values() {
        database.close().await?;
    }
    Ok(look)
}

/// What a statement answers. The server ends it where it takes too long, so that nothing of it is left behind.
async fn answer<T>(
    limit: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T> {
    let answer = timeout(limit + AWAY_AFTER, statement).await;
    Ok(answer.context("it does not answer")??)
}

async fn look(databases: &mut Databases, limit: Duration) -> Result<Look> {
    let mut at = Positions::default();
    let mut moving = None;
    for (&service, database) in databases {
        let of = || format!("{service}'s database");
        let place = at.add(service, database, limit).await;
        place.with_context(of)?;
        if moving.is_none() {
            moving = busy(service, database, limit).await.with_context(of)?;
        }
    }
    let moving = moving.or_else(|| behind(&at.streams, &at.marks));
    Ok(Look { at, moving })
}

impl Positions {
    async fn add(
        &mut self,
        service: Service,
        database: &mut PgConnection,
        limit: Duration,
    ) -> Result<()> {
        let head = sqlx::query_as("SELECT epoch, position FROM pipeline.log_head");
        let head = answer(limit, head.fetch_one(&mut *database));
        let (epoch, position): (i64, i64) = head.await?;
        self.heads.push(position);
        let shipped = sqlx::query_as(
            "SELECT topic, partition, sequence FROM pipeline.stream_head ORDER BY topic, partition",
        );
        let shipped = answer(limit, shipped.fetch_all(&mut *database));
        let shipped: Vec<Stream> = shipped.await?;
        let shipped = shipped.into_iter().map(|stream| (service, epoch, stream));
        self.streams.extend(shipped);
        let handled = sqlx::query_as(
            "SELECT source, epoch, topic, partition, sequence FROM pipeline.watermark
              ORDER BY source, epoch, topic, partition",
        );
        let handled = answer(limit, handled.fetch_all(database));
        let handled: Vec<(String, i64, String, i32, i64)> = handled.await?;
        let handled = handled
            .into_iter()
            .map(|(source, epoch, topic, partition, sequence)| {
                (service, source, epoch, (topic, partition, sequence))
            });
        self.marks.extend(handled);
        Ok(())
    }
}

/// The first follower that has not handled all of a stream.
fn behind(
    streams: &[(Service, i64, Stream)],
    marks: &[(Service, String, i64, Stream)],
) -> Option<String> {
    for (source, epoch, (topic, partition, sequence)) in streams {
        let followers = Topic::parse(topic)
            .map(Topic::followers)
            .unwrap_or_default();
        for follower in followers {
            let mark = marks.iter().find(|(of, from, at, stream)| {
                *of == follower
                    && from == source.name()
                    && at == epoch
                    && stream.0 == *topic
                    && stream.1 == *partition
            });
            let at = mark.map_or(0, |(_, _, _, stream)| stream.2);
            if at != *sequence {
                return Some(format!(
                    "{follower} is at {at} of {sequence} of {source}'s {topic}"
                ));
            }
        }
    }
    None
}

/// What goes on by itself, per service: what it is, where there is any. Not how much: that would be to read all of it at each look.
fn busy_sql(service: Service) -> &'static str {
    match service {
        Service::Bff => {
            "SELECT 'commands are pending' WHERE EXISTS (SELECT FROM commands c
              WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.command_id = c.id AND o.command_type = c.type))"
        }
        Service::Commission => {
            // Each lasts an hour at least.
            "SELECT 'holds are due' WHERE EXISTS (SELECT FROM commissions, pipeline.log_head h
              WHERE status = 'held'
                AND greatest(hold_until, calculated_at + 3600000000) <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset)"
        }
        Service::Payment => {
            "SELECT 'payouts are under way, or brands whose funds cover what waits'
              WHERE EXISTS (SELECT FROM payouts WHERE status NOT IN ('paid', 'failed')
                        AND NOT (status = 'requested' AND (SELECT paused FROM aside.payout_switch)))
                 OR EXISTS (SELECT FROM billing b
                      CROSS JOIN LATERAL (SELECT bool_or(billing = 'prepaid' OR credit_limit IS NOT NULL) IS TRUE AS is_limited
                                            FROM billing o WHERE o.brand = b.brand) o
                       LEFT JOIN balances f ON f.account = 'brand:' || b.brand || ':funds' AND f.currency = b.currency
                      CROSS JOIN LATERAL (SELECT minor FROM waiting w WHERE w.brand = b.brand AND w.currency = b.currency
                                           ORDER BY position LIMIT 1) w
                      WHERE b.billing = 'postpaid' AND b.credit_limit IS NULL OR b.billing IS NULL AND NOT o.is_limited
                         OR coalesce(f.minor, 0) - w.minor >= -coalesce(b.credit_limit, 0))"
        }
        Service::Campaign => {
            "SELECT 'campaigns stand otherwise than their brand''s funds have it' WHERE EXISTS (SELECT FROM campaigns c
               JOIN brand_funds f USING (brand_id, currency), pipeline.log_head h
              WHERE f.exhausted AND c.status = 'active'
                 OR NOT f.exhausted AND c.status = 'paused' AND c.pause_reason = 'out_of_funds'
                    AND (c.ends_at IS NULL
                         OR c.ends_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset))"
        }
        // What is tried again later, or not within a minute, waits for somebody outside.
        Service::Notify => {
            "SELECT 'calls to the CRM, mails or ends of workflows are under way'
              WHERE EXISTS (SELECT FROM crm_calls, pipeline.log_head h WHERE state IN ('done', 'failed')
                         OR state = 'pending' AND attempts = 0
                            AND next_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset + 60000000)
                 OR EXISTS (SELECT FROM mails, pipeline.log_head h WHERE state <> 'pending' AND NOT concluded
                         OR state = 'pending' AND attempts = 0
                            AND created_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset - 60000000)
                 OR EXISTS (SELECT FROM workflows w JOIN closed_campaigns c ON c.id = w.campaign_id WHERE w.status = 'running')
                 OR EXISTS (SELECT FROM terms_mailings)"
        }
        Service::Tracking => "SELECT '' WHERE false",
    }
}

/// In the retry queue and tried again by itself; what stands behind something dead is not.
const IN_RETRY_QUEUE: &str = "SELECT 'messages are in the retry queue and will be tried again'
  WHERE EXISTS (SELECT FROM pipeline.parked p WHERE p.state IN ('waiting', 'retrying', 'queued')
   AND NOT EXISTS (SELECT 1 FROM pipeline.parked d WHERE d.subject = p.subject AND coalesce(d.entity = p.entity, true)
                      AND d.arrival < p.arrival AND d.state = 'dead'))";

async fn busy(
    service: Service,
    database: &mut PgConnection,
    limit: Duration,
) -> Result<Option<String>> {
    for sql in [IN_RETRY_QUEUE, busy_sql(service)] {
        let what = sqlx::query_scalar::<_, String>(sql).fetch_optional(&mut *database);
        if let Some(what) = answer(limit, what).await? {
            return Ok(Some(format!("{what} at {service}")));
        }
    }
    Ok(None)
}
