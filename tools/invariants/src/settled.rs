//! Waiting until nothing moves any more.

use std::time::Duration;

use schemas::{Service, Topic};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::Records;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A database that does not answer is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

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
        let moving = match timeout(ANSWERS_WITHIN, look(records)).await {
            Ok(Ok(Look {
                moving: None,
                positions,
            })) if last.as_ref() == Some(&positions.heads) => return Ok(()),
            Ok(Ok(Look { moving, positions })) => {
                last = Some(positions.heads);
                moving.unwrap_or_else(|| "the logs still grow".to_owned())
            }
            Ok(Err(error)) => format!("the databases cannot be read: {error}"),
            Err(_) => "the databases do not answer".to_owned(),
        };
        if Instant::now() >= end {
            return Err(format!("not quiet within {patience:?}: {moving}"));
        }
        sleep(LOOK_EVERY).await;
    }
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
pub async fn positions(records: &Records) -> Result<Positions, String> {
    match timeout(ANSWERS_WITHIN, look(records)).await {
        Ok(Ok(Look { mut positions, .. })) => {
            positions.streams.sort();
            positions.marks.sort();
            Ok(positions)
        }
        Ok(Err(error)) => Err(format!("the databases cannot be read: {error}")),
        Err(_) => Err("the databases do not answer".to_owned()),
    }
}

struct Look {
    positions: Positions,
    moving: Option<String>,
}

type Stream = (String, i32, i64);

async fn look(records: &Records) -> Result<Look, sqlx::Error> {
    let mut at = Positions::default();
    let mut moving = None;
    for (&service, url) in &records.databases {
        let mut database = PgConnection::connect(url).await?;
        let (epoch, position): (i64, i64) =
            sqlx::query_as("SELECT epoch, position FROM pipeline.log_head")
                .fetch_one(&mut database)
                .await?;
        at.heads.push(position);
        let shipped: Vec<Stream> =
            sqlx::query_as("SELECT topic, partition, sequence FROM pipeline.stream_head")
                .fetch_all(&mut database)
                .await?;
        at.streams
            .extend(shipped.into_iter().map(|stream| (service, epoch, stream)));
        let handled: Vec<(String, i64, String, i32, i64)> = sqlx::query_as(
            "SELECT source, epoch, topic, partition, sequence FROM pipeline.watermark",
        )
        .fetch_all(&mut database)
        .await?;
        at.marks.extend(
            handled
                .into_iter()
                .map(|(source, epoch, topic, partition, sequence)| {
                    (service, source, epoch, (topic, partition, sequence))
                }),
        );
        if moving.is_none() {
            moving = busy(service, &mut database).await?;
        }
        database.close().await?;
    }
    Ok(Look {
        moving: moving.or_else(|| behind(&at.streams, &at.marks)),
        positions: at,
    })
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

/// What goes on by itself, per service: a number and what it counts.
fn busy_sql(service: Service) -> &'static str {
    match service {
        Service::Bff => {
            "SELECT count(*), 'commands are pending' FROM commands c
              WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.command_id = c.id AND o.command_type = c.type)"
        }
        Service::Commission => {
            // Each lasts an hour at least.
            "SELECT count(*), 'holds are due' FROM commissions, pipeline.log_head h
              WHERE status = 'held'
                AND greatest(hold_until, calculated_at + 3600000000) <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset"
        }
        Service::Payment => {
            "SELECT p.count + f.count, 'payouts are under way, or brands whose funds cover what waits'
               FROM (SELECT count(*) FROM payouts WHERE status NOT IN ('paid', 'failed')
                        AND NOT (status = 'requested' AND (SELECT paused FROM aside.payout_switch))) p,
                    (SELECT count(*) FROM billing b
                      CROSS JOIN LATERAL (SELECT bool_or(billing = 'prepaid' OR credit_limit IS NOT NULL) IS TRUE AS is_limited
                                            FROM billing o WHERE o.brand = b.brand) o
                       LEFT JOIN balances f ON f.account = 'brand:' || b.brand || ':funds' AND f.currency = b.currency
                      CROSS JOIN LATERAL (SELECT minor FROM waiting w WHERE w.brand = b.brand AND w.currency = b.currency
                                           ORDER BY position LIMIT 1) w
                      WHERE b.billing = 'postpaid' AND b.credit_limit IS NULL OR b.billing IS NULL AND NOT o.is_limited
                         OR coalesce(f.minor, 0) - w.minor >= -coalesce(b.credit_limit, 0)) f"
        }
        Service::Campaign => {
            "SELECT count(*), 'campaigns stand otherwise than their brand''s funds have it' FROM campaigns c
               JOIN brand_funds f USING (brand_id, currency), pipeline.log_head h
              WHERE f.exhausted AND c.status = 'active'
                 OR NOT f.exhausted AND c.status = 'paused' AND c.pause_reason = 'out_of_funds'
                    AND (c.ends_at IS NULL
                         OR c.ends_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset)"
        }
        // What is tried again later, or not within a minute, waits for somebody outside.
        Service::Notify => {
            "SELECT c.count + m.count + w.count + t.count, 'calls to the CRM, mails or ends of workflows are under way'
               FROM (SELECT count(*) FROM crm_calls, pipeline.log_head h WHERE state IN ('done', 'failed')
                         OR state = 'pending' AND attempts = 0
                            AND next_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset + 60000000) c,
                    (SELECT count(*) FROM mails, pipeline.log_head h WHERE state <> 'pending' AND NOT concluded
                         OR state = 'pending' AND attempts = 0
                            AND created_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset - 60000000) m,
                    (SELECT count(*) FROM workflows w JOIN closed_campaigns c ON c.id = w.campaign_id WHERE w.status = 'running') w,
                    (SELECT count(*) FROM terms_mailings) t"
        }
        Service::Tracking => "SELECT 0::bigint, ''",
    }
}

/// In the retry queue and tried again by itself; what stands behind something dead is not.
const IN_RETRY_QUEUE: &str = "SELECT count(*) FROM pipeline.parked p WHERE p.state IN ('waiting', 'retrying', 'queued')
   AND NOT EXISTS (SELECT 1 FROM pipeline.parked d WHERE d.subject = p.subject AND coalesce(d.entity = p.entity, true)
                      AND d.arrival < p.arrival AND d.state = 'dead')";

async fn busy(
    service: Service,
    database: &mut PgConnection,
) -> Result<Option<String>, sqlx::Error> {
    let waiting: i64 = sqlx::query_scalar(IN_RETRY_QUEUE)
        .fetch_one(&mut *database)
        .await?;
    if waiting > 0 {
        return Ok(Some(format!(
            "{waiting} messages are in the retry queue of {service} and will be tried again"
        )));
    }
    let (count, what): (i64, String) = sqlx::query_as(busy_sql(service))
        .fetch_one(database)
        .await?;
    Ok((count > 0).then(|| format!("{count} {what} at {service}")))
}
