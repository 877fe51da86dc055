//! `…/archive`: old parts of the log, written to files, verified and dropped from the table.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::problem::{Code, Fields, Problem};
use chassis::time::Timestamp;
use messaging::archive::{ArchiveError, Part};
use messaging::audit::{self, Act};
use messaging::{Lookups, WriteTx};
use schemas::Topic;
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::Micros;
use utoipa::ToSchema;

use super::{FOLLOWER_UNAVAILABLE, FollowerAway};
use crate::operator::Operator;
use crate::process::Process;
use crate::unread::{OrUnread, unread, unread_schema};
use crate::{archive, followers};

const REFUSED: Code = Code::new(
    409,
    "archive_refused",
    "Not as things stand: no folder is set, there is nothing that may go, or somebody reads the log.",
);
const DAMAGED: Code = Code::new(
    409,
    "archive_damaged",
    "A file is not as it was written; nothing was dropped.",
);
const UNAVAILABLE: Code = Code::new(
    503,
    "archive_unavailable",
    "The archive's folder or a file of it cannot be read or written; the detail says why.",
);
chassis::refuses!(NotArchived: REFUSED, DAMAGED, UNAVAILABLE);

/// Files that one request writes or reads back: each takes about a second.
const MAX_FILES: usize = 4;
/// One request begins to read another file back for so long: a slow disk's answer comes in time.
const READ_FOR: Duration = Duration::from_secs(10);

/// A part of the log that stands in a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartView {
    from_position: i64,
    to_position: i64,
    /// In `ARCHIVE_FOLDER`.
    file: String,
    /// Of the file, in hex.
    sha256: String,
    messages: i64,
    bytes: i64,
    archived_at: Timestamp,
    /// When it was read back and compared.
    verified_at: Option<Timestamp>,
    /// When its rows left the table.
    dropped_at: Option<Timestamp>,
}

/// Parts that an act was about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parts {
    parts: Vec<PartView>,
    /// Whether the same act would find more.
    more: bool,
}

/// Parts that were read back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadBack {
    parts: Vec<PartView>,
    /// Those that were not as they were written, or whose files are missing, where all from a position on were to be read back.
    damaged: Vec<DamagedPart>,
    /// Whether the same act, behind these, would find more.
    more: bool,
}

/// A part whose file is not as it was written, or missing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DamagedPart {
    from_position: i64,
    to_position: i64,
    /// In `ARCHIVE_FOLDER`.
    file: String,
    /// What was found.
    detail: String,
}

/// What is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunArchive {
    /// For the audit.
    reason: Text<500>,
    /// Takes back the part that has this position and all behind it, of which the table still has all, since a file is lost or
    /// damaged. Nothing is written then: the next requests, without it, write them again.
    again_from: Option<i64>,
}

impl Check for RunArchive {
    fn check(&self, fields: &mut Fields) {
        let from = self.again_from.unwrap_or(1);
        fields.require(from >= 1, "/again_from", "must be 1 or more");
    }
}

/// What is read back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyArchive {
    /// For the audit.
    reason: Text<500>,
    /// Every part from this position on, also those that were read back before and whose rows left the table; without it, those
    /// that were not read back yet.
    from_position: Option<i64>,
}

impl Check for VerifyArchive {
    fn check(&self, fields: &mut Fields) {
        let from = self.from_position.unwrap_or(1);
        fields.require(from >= 1, "/from_position", "must be 1 or more");
    }
}

/// What may go, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DropParts {
    /// For the audit.
    reason: Text<500>,
    /// So many of the newest positions stay in any case; without it, one partition's worth.
    keep_positions: Option<i64>,
}

impl Check for DropParts {
    fn check(&self, fields: &mut Fields) {
        let keep = self.keep_positions.unwrap_or(0);
        fields.require(keep >= 0, "/keep_positions", "must not be negative");
    }
}

/// What was dropped.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "as the table's column")]
pub(crate) struct Dropped {
    /// The table has nothing up to here.
    dropped_to: i64,
    /// Everything up to here might go, a whole partition at a time.
    floor: i64,
    /// What holds the rest.
    held_by: String,
}

/// The parts of the log that stand in files, newest first.
#[utoipa::path(
    get, path = "/archive", tag = "operator", params(PageQuery),
    responses((status = 200, body = Page<PartView>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_archive(
    State(process): State<Arc<Process>>,
    list: List<NoFilter>,
) -> Result<Page<PartView>, Problem> {
    let rows = archive::list_below(&process.pool, list.page.below(), list.page.rows())
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |part| part.from_position,
        PartView::from,
    ))
}

/// Writes closed parts of the log to files, a few at once.
#[utoipa::path(
    post, path = "/archive/run", tag = "operator", request_body = RunArchive,
    responses((status = 200, body = Parts), Problems<NotArchived>), security(("bearer" = []))
)]
pub(crate) async fn run_archive(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(RunArchive { reason, again_from }): Json<RunArchive>,
) -> Result<Json<Parts>, Problem> {
    if let Some(position) = again_from {
        write_again(&process, &operator, position, &reason).await?;
        return Ok(Json(Parts::new(Vec::new(), true)));
    }
    let service = process.service().name();
    let mut parts = Vec::new();
    while parts.len() < MAX_FILES {
        let written = archive::run(&process.pool, process.schema_ids(), service).await;
        let Some(part) = written.map_err(refused)? else {
            break;
        };
        note(&process, &operator, "archive.run", &part, &reason).await?;
        parts.push(part);
    }
    let more = parts.len() == MAX_FILES;
    Ok(Json(Parts::new(parts, more)))
}

/// Has what stands in files from a position on written again.
async fn write_again(
    process: &Process,
    operator: &Operator,
    position: i64,
    reason: &Text<500>,
) -> Result<(), Problem> {
    let mut tx = WriteTx::begin(&process.pool, &process.writer, Lookups::default())
        .await
        .or_unread()?;
    let (from, to) = archive::write_again(&mut tx, position)
        .await
        .map_err(refused)?;
    let act = Act {
        actor: operator.name(),
        action: "archive.run_again",
        target: format!("positions {from} to {to}"),
        reason,
        detail: json!({"again_from": position}),
    };
    let now = tx.now();
    audit::record(tx.connection(), now, &act)
        .await
        .or_unread()?;
    tx.commit().await.or_unread()?;
    Ok(())
}

/// Reads written parts back and compares them with the table, as far as it still has them, a few at once. From a position on
/// one that is damaged or missing keeps no other from being read back; else it ends the act.
#[utoipa::path(
    post, path = "/archive/verify", tag = "operator", request_body = VerifyArchive,
    responses((status = 200, body = ReadBack), Problems<NotArchived>), security(("bearer" = []))
)]
pub(crate) async fn verify_archive(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(VerifyArchive {
        reason,
        from_position,
    }): Json<VerifyArchive>,
) -> Result<Json<ReadBack>, Problem> {
    let due = match from_position {
        Some(position) => archive::behind(&process.pool, position, MAX_FILES).await,
        None => archive::unverified(&process.pool, MAX_FILES).await,
    };
    let due = due.or_unread()?;
    let (count, began) = (due.len(), Instant::now());
    let (mut parts, mut damaged) = (Vec::new(), Vec::new());
    for part in due {
        if !has_time(parts.len() + damaged.len(), began.elapsed()) {
            break;
        }
        let read = archive::verify(&process.pool, part.from_position).await;
        let is_lost = match &read {
            Err(error) if from_position.is_some() => is_lost(&process, error).await,
            _ => false,
        };
        match read {
            Ok(part) => {
                note(&process, &operator, "archive.verify", &part, &reason).await?;
                parts.push(PartView::from(part));
            }
            Err(error) if is_lost => {
                tracing::error!(%error, part.file, "the archive is not as it should be");
                damaged.push(DamagedPart {
                    from_position: part.from_position,
                    to_position: part.to_position,
                    file: part.file,
                    detail: error.to_string(),
                });
            }
            // What was found is answered first: the next request begins here, and has nothing to lose.
            Err(_) if from_position.is_some() && !(parts.is_empty() && damaged.is_empty()) => break,
            Err(error) => return Err(refused(error)),
        }
    }
    let looked = parts.len() + damaged.len();
    Ok(Json(ReadBack {
        parts,
        damaged,
        more: looked < count || count == MAX_FILES,
    }))
}

/// Whether a request that has read back so many files begins another: one is always read, or nobody would get past it.
fn has_time(files: usize, took: Duration) -> bool {
    files == 0 || took < READ_FOR
}

/// Drops from the table what is archived, verified and passed by every follower.
#[utoipa::path(
    post, path = "/archive/drop", tag = "operator", request_body = DropParts,
    responses((status = 200, body = Dropped), Problems<(NotArchived, FollowerAway)>), security(("bearer" = []))
)]
pub(crate) async fn drop_archive(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(wanted): Json<DropParts>,
) -> Result<Json<Dropped>, Problem> {
    let passed = followers::passed(&process)
        .await
        .map_err(|reason| Problem::unavailable(FOLLOWER_UNAVAILABLE, reason, 5))?;
    let keep = match wanted.keep_positions {
        Some(keep) => keep,
        None => archive::partition_positions(&process.pool)
            .await
            .or_unread()?,
    };
    let relayed = process.relayed_topics().into_iter();
    let relayed: Vec<_> = relayed.map(Topic::name).collect();
    let floor = archive::droppable(&process.pool, passed, &relayed, keep)
        .await
        .map_err(refused)?;
    archive::read_back(&process.pool, floor.position)
        .await
        .map_err(refused)?;
    let mut tx = WriteTx::begin(&process.pool, &process.writer, Lookups::default())
        .await
        .or_unread()?;
    let dropped_to = archive::drop_below(&mut tx, floor.position)
        .await
        .map_err(refused)?;
    let act = Act {
        actor: operator.name(),
        action: "archive.drop",
        target: format!("positions to {dropped_to}"),
        reason: &wanted.reason,
        detail: json!({"floor": floor.position, "held_by": floor.by}),
    };
    let now = tx.now();
    audit::record(tx.connection(), now, &act)
        .await
        .or_unread()?;
    tx.commit().await.or_unread()?;
    Ok(Json(Dropped {
        dropped_to,
        floor: floor.position,
        held_by: floor.by,
    }))
}

/// Each part by itself: a request that is ended by its time has done some of them.
async fn note(
    process: &Process,
    operator: &Operator,
    action: &'static str,
    part: &Part,
    reason: &Text<500>,
) -> Result<(), Problem> {
    let act = Act {
        actor: operator.name(),
        action,
        target: format!("positions {} to {}", part.from_position, part.to_position),
        reason,
        detail: json!({"file": part.file}),
    };
    let noted = async {
        let mut connection = process.pool.acquire().await?;
        audit::record(&mut connection, messaging::clock::now(), &act).await
    };
    noted.await.or_unread()?;
    Ok(())
}

/// Whether this file is damaged, or missing while others are there: without its mount the folder is empty, and nothing is lost.
async fn is_lost(process: &Process, error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Io(cause) if cause.kind() == ErrorKind::NotFound => {
            archive::has_files(&process.pool).await.unwrap_or(false)
        }
        error => is_damage(error),
    }
}

/// Whether a file is not as it was written, rather than not to be had.
fn is_damage(error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Corrupt(_) => true,
        ArchiveError::Io(cause) => cause.kind() == ErrorKind::UnexpectedEof,
        _ => false,
    }
}

fn refused(error: ArchiveError) -> Problem {
    match error {
        error if is_damage(&error) => {
            tracing::error!(%error, "the archive is not as it should be");
            Problem::of(DAMAGED).with_detail(error.to_string())
        }
        ArchiveError::Sql(error) => unread(&error),
        ArchiveError::Schema(error) => unread_schema(&error),
        ArchiveError::Io(cause) => {
            tracing::warn!(error = %cause, "the archive cannot be read or written now");
            Problem::unavailable(UNAVAILABLE, cause.to_string(), 5)
        }
        error => Problem::of(REFUSED).with_detail(error.to_string()),
    }
}

impl Parts {
    fn new(parts: Vec<Part>, more: bool) -> Self {
        let parts = parts.into_iter().map(PartView::from).collect();
        Self { parts, more }
    }
}

impl From<Part> for PartView {
    fn from(part: Part) -> Self {
        let at = |micros: i64| Timestamp(Micros(micros));
        let sha256 = types::hex(&part.sha256);
        Self {
            from_position: part.from_position,
            to_position: part.to_position,
            file: part.file,
            sha256,
            messages: part.count,
            bytes: part.bytes,
            archived_at: at(part.archived_at),
            verified_at: part.verified_at.map(at),
            dropped_at: part.dropped_at.map(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_one_file_back_however_long_that_takes_and_no_further_one_when_it_took_long()
    {
        let long = READ_FOR * 3;
        assert!(has_time(0, long));
        assert!(!has_time(1, long));
        assert!(has_time(3, READ_FOR / 2));
    }

    #[test]
    fn a_disk_that_is_full_or_a_file_that_is_not_to_be_had_is_no_damage() {
        let code = |error: ArchiveError| {
            let problem = serde_json::to_value(refused(error)).unwrap();
            problem["code"].as_str().unwrap().to_owned()
        };
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::PermissionDenied,
            ErrorKind::NotFound,
        ] {
            let found = code(std::io::Error::from(kind).into());
            assert_eq!(found, "archive_unavailable", "{kind:?}");
        }
        let short = std::io::Error::from(ErrorKind::UnexpectedEof);
        assert_eq!(code(short.into()), "archive_damaged");
        let other = ArchiveError::Corrupt("another".to_owned());
        assert_eq!(code(other), "archive_damaged");
    }
}
