//! `…/epoch`: what is done after a database was restored from a backup. See docs/runbooks/restore.md.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::problem::{Code, Fields, Problem};
use chassis::time::Timestamp;
use messaging::audit::{self, Act};
use messaging::halted::Halted;
use messaging::{Lock, Lookups, WriteTx, epoch, halted, identity, log, relay};
use schemas::{Service, Topic};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::Micros;
use utoipa::ToSchema;

use super::{FOLLOWER_UNAVAILABLE, FollowerAway, conflict};
use crate::documents::{ServiceName, TopicName};
use crate::fencing::{self, NotAccepted, RaiseError};
use crate::followers;
use crate::operator::{Operator, Reason};
use crate::process::Process;
use crate::unread::{OrUnread, unread, unread_schema};

const REFUSED: Code = Code::new(
    409,
    "epoch_refused",
    "Not as things stand; the detail says why.",
);
const NOT_RELAYED: Code = Code::new(
    409,
    "relay_refused",
    "This service does not publish that, or never did.",
);
chassis::refuses!(EpochRefused: REFUSED);
chassis::refuses!(RelayRefused: NOT_RELAYED);

/// The histories of this service's log, and what it stopped of others'.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EpochView {
    /// What it emits under.
    epoch: i64,
    /// Each with where it began.
    epochs: Vec<Began>,
    /// Why the transports are closed, when this database is another one than the log was written in.
    not_recognised: Option<String>,
    /// Streams of others that wait for `epoch/accept`.
    stopped: Vec<HaltedStreamView>,
}

/// When and where an epoch began.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Began {
    epoch: i64,
    after_position: i64,
}

/// A stream that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HaltedStreamView {
    source: String,
    topic: String,
    partition: i32,
    known_epoch: i64,
    came_epoch: i64,
    sequence: i64,
    reason: String,
    at: Timestamp,
}

/// Under which new history the log goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RaiseEpoch {
    /// For the audit.
    reason: Text<500>,
    /// Where the restored backup ended. Followers do not tell what was appended since where they have messages of a time that was
    /// wrong; without it, it begins behind the first message that one of them knows differently, or at the end of the log.
    behind: Option<i64>,
}

impl Check for RaiseEpoch {
    fn check(&self, fields: &mut Fields) {
        let behind = self.behind.unwrap_or(0);
        fields.require(behind >= 0, "/behind", "must not be negative");
    }
}

/// What raising did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RaisedView {
    epoch: i64,
    after_position: i64,
    /// Messages appended since the restore, which go out under the new epoch.
    restated: u64,
}

/// Whose new history.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptEpoch {
    /// For the audit.
    reason: Text<500>,
    /// Whose log was restored.
    #[schema(value_type = ServiceName)]
    source: Text<64>,
    /// The epoch that it says it has.
    epoch: i64,
}

impl Check for AcceptEpoch {
    fn check(&self, fields: &mut Fields) {
        let known = Service::parse(&self.source).is_some();
        fields.require(known, "/source", "is no service");
        fields.require(self.epoch > 1, "/epoch", "must be above 1");
    }
}

/// Which streams go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedView {
    epoch: i64,
    /// They were stopped.
    streams: Vec<HaltedStreamView>,
}

/// What is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewindRelay {
    /// For the audit.
    reason: Text<500>,
    /// One that this service publishes.
    #[schema(value_type = TopicName)]
    topic: Text<64>,
    /// One of the topic's partitions; without it all that were ever relayed.
    partition: Option<i32>,
    /// The last sequence of the newest epoch that need not be sent again, of each partition's own; 0 sends all, of every epoch.
    to: i64,
}

impl Check for RewindRelay {
    fn check(&self, fields: &mut Fields) {
        let known = Topic::parse(&self.topic).is_some();
        fields.require(known, "/topic", "is no topic");
        fields.require(self.to >= 0, "/to", "must not be negative");
    }
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rewound {
    partitions: Vec<RewoundPartition>,
}

/// Where the relay begins again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RewoundPartition {
    partition: i32,
    /// It had shipped so far.
    from_position: i64,
    /// It ships again what is behind.
    to_position: i64,
}

/// The histories of this service's log, and what it stopped of others'.
#[utoipa::path(
    get, path = "/epoch", tag = "operator",
    responses((status = 200, body = EpochView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_epoch(
    State(process): State<Arc<Process>>,
) -> Result<Json<EpochView>, Problem> {
    let read = async {
        let epochs = epoch::all(&process.bare_pool).await?;
        let halted = halted::all(&process.bare_pool).await?;
        Ok::<_, sqlx::Error>((epochs, halted))
    };
    let (epochs, halted) = read.await.or_unread()?;
    Ok(Json(EpochView {
        epoch: epoch::newest(&epochs),
        epochs: epochs
            .into_iter()
            .map(|it| Began {
                epoch: it.epoch,
                after_position: it.after_position,
            })
            .collect(),
        not_recognised: process.guard.reason(),
        stopped: halted.into_iter().map(HaltedStreamView::from).collect(),
    }))
}

/// After a restore that lost something: the log goes on under the next epoch, which followers accept one by one.
#[utoipa::path(
    post, path = "/epoch/raise", tag = "operator", request_body = RaiseEpoch,
    responses((status = 200, body = RaisedView), Problems<(EpochRefused, FollowerAway)>), security(("bearer" = []))
)]
pub(crate) async fn raise_epoch(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(RaiseEpoch { reason, behind }): Json<RaiseEpoch>,
) -> Result<Json<RaisedView>, Problem> {
    // What is appended while followers are asked is stated again, too: they were asked of what was before.
    let head = messaging::log::head(&process.bare_pool).await;
    let head = head.map_err(|error| unread(&error))?;
    let handled = followers::handled(&process)
        .await
        .map_err(|reason| Problem::unavailable(FOLLOWER_UNAVAILABLE, reason, 5))?;
    let mut tx = begin(&process).await?;
    let after = fencing::begins_behind(&mut tx, handled.forked_behind, behind, head);
    let after = after.await.map_err(not_raised)?;
    let raised = fencing::raise(&mut tx, &process.bare_pool, &process.writer, after)
        .await
        .map_err(not_raised)?;
    // Of a follower that went back too the broker has nothing left: what it is to have of the old epoch comes before the new one.
    for ((topic, partition), position) in handled.streams {
        relay::rewind(tx.connection(), topic, partition, position)
            .await
            .or_unread()?;
    }
    let mut detail = json!({"after_position": raised.after_position, "restated": raised.restated});
    if let Some(behind) = behind {
        detail["behind"] = json!(behind);
    }
    if let Some((from, to)) = raised.taken_back {
        detail["archive_taken_back"] = json!({"from": from, "to": to});
    }
    let target = format!("epoch {}", raised.epoch);
    finish(
        &process,
        tx,
        &operator,
        ("epoch.raise", target),
        &reason,
        detail,
    )
    .await?;
    Ok(Json(RaisedView {
        epoch: raised.epoch,
        after_position: raised.after_position,
        restated: raised.restated,
    }))
}

fn not_raised(error: RaiseError) -> Problem {
    match error {
        RaiseError::Sql(error) => unread(&error),
        RaiseError::Schema(error) => unread_schema(&error),
        RaiseError::Append(error) => Problem::internal(&error),
        RaiseError::Refused(detail) => conflict(REFUSED, detail),
    }
}

/// After a move that lost nothing (a clean copy of a stopped database, a standby that had everything): the log goes on as
/// it was.
#[utoipa::path(
    post, path = "/epoch/keep", tag = "operator", request_body = Reason,
    responses((status = 204), Problems), security(("bearer" = []))
)]
pub(crate) async fn keep_epoch(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(Reason { reason }): Json<Reason>,
) -> Result<StatusCode, Problem> {
    let tx = begin(&process).await?;
    let target = format!("epoch {}", tx.epoch());
    finish(
        &process,
        tx,
        &operator,
        ("epoch.keep", target),
        &reason,
        json!({}),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes another service's raised epoch: its streams go on here.
#[utoipa::path(
    post, path = "/epoch/accept", tag = "operator", request_body = AcceptEpoch,
    responses((status = 200, body = AcceptedView), Problems<EpochRefused>), security(("bearer" = []))
)]
pub(crate) async fn accept_epoch(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(wanted): Json<AcceptEpoch>,
) -> Result<Json<AcceptedView>, Problem> {
    if process.engine_writer.lock == Lock::Log {
        // Before the lock is held, since that may take minutes.
        fencing::note_log(&process.pool).await.or_unread()?;
    }
    let mut tx = WriteTx::begin(&process.pool, &process.engine_writer, Lookups::default())
        .await
        .or_unread()?;
    let streams = fencing::accept(&mut tx, &wanted.source, wanted.epoch)
        .await
        .map_err(|error| match error {
            NotAccepted::Sql(error) => unread(&error),
            NotAccepted::Refused(detail) => conflict(REFUSED, detail),
        })?;
    let act = Act {
        actor: operator.name(),
        action: "epoch.accept",
        target: format!("epoch {} of {}", wanted.epoch, &wanted.source),
        reason: &wanted.reason,
        detail: json!({"streams": streams.len()}),
    };
    let now = tx.now();
    audit::record(tx.connection(), now, &act)
        .await
        .or_unread()?;
    tx.commit().await.or_unread()?;
    Ok(Json(AcceptedView {
        epoch: wanted.epoch,
        streams: streams.into_iter().map(HaltedStreamView::from).collect(),
    }))
}

/// Sends a stream again by the broker, from behind a sequence. Followers drop what they have by their watermarks.
#[utoipa::path(
    post, path = "/relay/rewind", tag = "operator", request_body = RewindRelay,
    responses((status = 200, body = Rewound), Problems<RelayRefused>), security(("bearer" = []))
)]
pub(crate) async fn rewind_relay(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(wanted): Json<RewindRelay>,
) -> Result<Json<Rewound>, Problem> {
    let topic = Topic::parse(&wanted.topic)
        .filter(|topic| process.service().published_topics().contains(topic))
        .ok_or_else(|| {
            let detail = format!("{} does not publish that topic", process.service().name());
            conflict(NOT_RELAYED, detail)
        })?;
    let all = 0..i32::try_from(process.writer.partitions).unwrap_or(i32::MAX);
    let each = wanted.partition.map_or(all, |it| it..it.saturating_add(1));
    // Before the lock is held, since a place is looked for in the log.
    let epochs = epoch::all(&process.pool).await.or_unread()?;
    let current = epoch::newest(&epochs);
    let mut places = Vec::new();
    for partition in each {
        let to_position = if wanted.to == 0 {
            // Also what older epochs have: a follower that went back may stand there.
            0
        } else {
            log::position_of_sequence(&process.pool, topic, partition, current, wanted.to)
                .await
                .or_unread()?
        };
        places.push((partition, to_position));
    }
    let mut tx = WriteTx::begin(&process.pool, &process.writer, Lookups::default())
        .await
        .or_unread()?;
    if tx.epoch() != current {
        let detail = format!("epoch {} was raised meanwhile: try again", tx.epoch());
        return Err(conflict(NOT_RELAYED, detail));
    }
    let now = tx.now();
    let mut partitions = Vec::new();
    for (partition, to_position) in places {
        let from = relay::rewind(tx.connection(), topic, partition, to_position)
            .await
            .or_unread()?;
        let Some(from_position) = from else { continue };
        let act = Act {
            actor: operator.name(),
            action: "relay.rewind",
            target: format!("{}/{partition}", topic.name()),
            reason: &wanted.reason,
            detail: json!({"to": wanted.to, "from_position": from_position, "to_position": to_position}),
        };
        audit::record(tx.connection(), now, &act)
            .await
            .or_unread()?;
        partitions.push(RewoundPartition {
            partition,
            from_position,
            to_position,
        });
    }
    if partitions.is_empty() {
        let detail = "nothing of that was ever relayed".to_owned();
        return Err(conflict(NOT_RELAYED, detail));
    }
    tx.commit().await.or_unread()?;
    Ok(Json(Rewound { partitions }))
}

/// Under the writer lock of a database that may not be recognised.
async fn begin(process: &Process) -> Result<WriteTx, Problem> {
    WriteTx::begin(&process.bare_pool, &process.writer, Lookups::default())
        .await
        .or_unread()
}

/// Notes the act and that the log goes on in this database, and opens the transports.
async fn finish(
    process: &Process,
    mut tx: WriteTx,
    operator: &Operator,
    (action, target): (&'static str, String),
    reason: &Text<500>,
    detail: Value,
) -> Result<(), Problem> {
    let act = Act {
        actor: operator.name(),
        action,
        target,
        reason,
        detail,
    };
    let now = tx.now();
    let written = async {
        identity::note(tx.connection()).await?;
        audit::record(tx.connection(), now, &act).await?;
        tx.commit().await
    };
    written.await.or_unread()?;
    process.guard.recognised();
    Ok(())
}

impl From<Halted> for HaltedStreamView {
    fn from(stream: Halted) -> Self {
        Self {
            source: stream.source,
            topic: stream.topic,
            partition: stream.partition,
            known_epoch: stream.known_epoch,
            came_epoch: stream.came_epoch,
            sequence: stream.sequence,
            reason: stream.reason,
            at: Timestamp(Micros(stream.at)),
        }
    }
}
