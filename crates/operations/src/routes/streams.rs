//! `…/streams`: what the service publishes and who follows it how far, what it follows itself, its transports, and what the broker reports.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use futures::future::{join, join_all};
use messaging::epoch::{self, Epoch};
use messaging::log;
use messaging::transport::statistics::{BrokerStatistics, TopicStatistics};
use schemas::{Service, Topic};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::documents::{ServiceName, TopicName};
use crate::followers::{self, Follower, Stands};
use crate::process::Process;
use crate::unread::OrUnread;

/// Messages that are counted of those that wait to be sent to the broker.
const COUNTED: i64 = 100_000;

/// The streams of a service, as the process that was asked sees them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamsView {
    /// `http`, `event` or `hybrid`.
    #[schema(example = "hybrid")]
    mode: &'static str,
    /// What it publishes.
    published: Vec<PublishedStream>,
    /// What it follows, and how far it is.
    followed: Vec<FollowedStream>,
    /// How messages come and go at this process.
    transports: Vec<TransportView>,
}

/// A partition of a topic that the service publishes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedStream {
    #[schema(value_type = TopicName)]
    topic: &'static str,
    partition: i32,
    epoch: i64,
    /// How many messages there are in this epoch.
    last_sequence: i64,
    /// Messages that wait to be sent to the broker, at most 100,000; `null` where none are sent there.
    not_sent: Option<i64>,
    followers: Vec<FollowerOfStream>,
    /// What the broker reports; `null` where it does not, or is not asked.
    broker: Option<BrokerTopicView>,
    /// Why it does not.
    no_broker: Option<String>,
}

/// How far a follower is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowerOfStream {
    #[schema(value_type = ServiceName)]
    service: &'static str,
    /// The newest epoch of which it has handled anything.
    epoch: Option<i64>,
    /// The last message that it has handled.
    sequence: Option<i64>,
    /// Messages of this epoch and of those before it that it has not handled yet.
    behind: Option<i64>,
    /// Why it is not known.
    away: Option<String>,
}

/// What the broker reports of a topic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BrokerTopicView {
    /// Bytes that it keeps.
    stored_bytes: u64,
    /// Entries a second that come in: an entry carries up to 500 messages.
    entries_in_per_second: f64,
    producers: usize,
    subscriptions: Vec<SubscriptionView>,
}

/// A subscription at the broker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriptionView {
    name: String,
    /// Entries that are not acknowledged.
    backlog: i64,
    entries_out_per_second: f64,
    consumers: usize,
}

/// A stream of another service that this one follows.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct FollowedStream {
    source: String,
    topic: String,
    partition: i32,
    /// The newest epoch of which anything was handled.
    epoch: i64,
    /// Its last message that was handled.
    sequence: i64,
}

/// A way in or out of this process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransportView {
    /// Which way, topic and partition.
    #[schema(example = "subscription tracking-events/0")]
    name: String,
    is_open: bool,
    /// Why it is not open, or stands still.
    reason: Option<String>,
    /// Since when.
    since: Option<Timestamp>,
}

/// What the service publishes and how far its followers are, by whichever transport; what it follows; which of its transports are open;
/// and, where the setting `PULSAR_ADMIN_URL` says where to ask, what the broker reports of its topics.
#[utoipa::path(
    get, path = "/streams", tag = "operator",
    responses((status = 200, body = StreamsView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_streams(
    State(process): State<Arc<Process>>,
) -> Result<Json<StreamsView>, Problem> {
    let read = async {
        let epochs = epoch::all(&process.pool).await?;
        let mut published = Vec::new();
        for (topic, partition) in streams(&process) {
            published.push((
                (topic, partition),
                log::ends(&process.pool, topic, partition).await?,
                not_sent(&process, topic, partition).await?,
            ));
        }
        let followed = followed(&process.pool).await?;
        Ok::<_, sqlx::Error>((epochs, published, followed))
    };
    let (epochs, published, followed) = read.await.or_unread()?;
    let published = published.into_iter().map(|(stream, ends, not_sent)| {
        let (process, epochs) = (&process, &epochs);
        async move { look(process, epochs, stream, &ends, not_sent).await }
    });
    Ok(Json(StreamsView {
        mode: process.modes.of(process.service()).name(),
        published: join_all(published).await,
        followed,
        transports: transports(&process),
    }))
}

fn streams(process: &Process) -> Vec<(Topic, i32)> {
    let each = followers::all(process).map(|follower| (follower.topic, follower.partition));
    let mut streams: Vec<_> = each.collect();
    streams.dedup();
    streams
}

async fn look(
    process: &Process,
    epochs: &[Epoch],
    (topic, partition): (Topic, i32),
    ends: &[(i64, i64)],
    not_sent: Option<i64>,
) -> PublishedStream {
    let (epoch, last_sequence) = ends.last().copied().unwrap_or((1, 0));
    let of_stream = |it: &Follower| (it.topic, it.partition) == (topic, partition);
    let each = followers::all(process).filter(of_stream);
    let stand = each.map(|follower| async move {
        let stands = followers::ask(process, follower, epochs).await;
        follower_view(follower.service, stands, ends)
    });
    let (followers, reported) = join(
        join_all(stand),
        reported(
            process.broker.as_ref(),
            topic,
            partition,
            not_sent.is_some(),
        ),
    )
    .await;
    let (broker, no_broker) = match reported {
        None => (None, None),
        Some(Ok(statistics)) => (Some(broker_view(statistics)), None),
        Some(Err(reason)) => (None, Some(reason)),
    };
    PublishedStream {
        topic: topic.name(),
        partition,
        epoch,
        last_sequence,
        not_sent,
        followers,
        broker,
        no_broker,
    }
}

async fn reported(
    broker: Option<&BrokerStatistics>,
    topic: Topic,
    partition: i32,
    is_sent_there: bool,
) -> Option<Result<TopicStatistics, String>> {
    let broker = broker.filter(|_| is_sent_there)?;
    Some(broker.topic(topic, partition).await)
}

fn follower_view(
    service: Service,
    stands: Result<Stands, String>,
    ends: &[(i64, i64)],
) -> FollowerOfStream {
    let service = service.name();
    match stands {
        Ok(Stands { epoch, at }) => FollowerOfStream {
            service,
            epoch: Some(epoch),
            sequence: Some(at.sequence),
            // It was asked after the stream: it may be further by now.
            behind: Some(log::behind(ends, epoch, at.sequence)),
            away: None,
        },
        Err(reason) => FollowerOfStream {
            service,
            epoch: None,
            sequence: None,
            behind: None,
            away: Some(reason),
        },
    }
}

fn broker_view(statistics: TopicStatistics) -> BrokerTopicView {
    let subscriptions = statistics.subscriptions.into_iter();
    BrokerTopicView {
        stored_bytes: statistics.storage_size,
        entries_in_per_second: statistics.msg_rate_in,
        producers: statistics.publishers.len(),
        subscriptions: subscriptions
            .map(|(name, it)| SubscriptionView {
                name,
                backlog: it.msg_backlog,
                entries_out_per_second: it.msg_rate_out,
                consumers: it.consumers.len(),
            })
            .collect(),
    }
}

/// Messages behind what was noted as sent, where any are sent to the broker.
async fn not_sent(
    process: &Process,
    topic: Topic,
    partition: i32,
) -> Result<Option<i64>, sqlx::Error> {
    if !process.relayed_topics().contains(&topic) {
        return Ok(None);
    }
    sqlx::query_scalar(
        "SELECT count(*) FROM (
            SELECT 1 FROM pipeline.message_log
             WHERE topic = $1 AND partition = $2
               AND position > coalesce((SELECT position FROM pipeline.relay_cursor WHERE topic = $1 AND partition = $2), 0)
             LIMIT $3) waiting",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(COUNTED)
    .fetch_one(&process.pool)
    .await
    .map(Some)
}

/// Where this service stands in what it follows, in the newest epoch of each.
async fn followed(pool: &PgPool) -> Result<Vec<FollowedStream>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT ON (source, topic, partition) source, topic, partition, epoch, sequence
           FROM pipeline.watermark ORDER BY source, topic, partition, epoch DESC",
    )
    .fetch_all(pool)
    .await
}

fn transports(process: &Process) -> Vec<TransportView> {
    let (paused, stops) = (process.health.paused(), process.health.stops());
    let never = process.health.never_opened();
    let each = process.health.transports().into_iter();
    each.map(|(name, is_open)| {
        let pause = paused.iter().find(|it| it.name == name);
        let since = pause.map(|it| Timestamp(it.since));
        let reason = pause.map(|it| it.reason.clone());
        let of = |list: &[(String, String)]| {
            let found = list.iter().find(|(of, _)| *of == name);
            found.map(|(_, reason)| reason.clone())
        };
        TransportView {
            reason: of(&stops).or(reason).or_else(|| of(&never)),
            name,
            is_open,
            since,
        }
    })
    .collect()
}
