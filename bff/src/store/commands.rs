//! `commands`: what was asked here, by whom, and under which keys.

use std::collections::HashMap;

use messaging::WriteTx;
use runtime::CommandState;
use sqlx::{FromRow, PgPool, Row};
use types::Micros;
use types::ids::Asker;
use uuid::Uuid;

use crate::gateway::Request;

/// A command that was taken before.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) correlation_id: Uuid,
    /// Of the request, when it had an `Idempotency-Key`.
    pub(crate) hash: Option<Vec<u8>>,
}

/// A command with its place in the log.
#[derive(Debug)]
pub(crate) struct NewCommand<'a> {
    pub(crate) request: &'a Request,
    pub(crate) kind: String,
    pub(crate) position: i64,
    pub(crate) accepted_at: Micros,
}

/// A command and where it stands: the join of what was asked and what came of it.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct CommandRow {
    pub(crate) id: Uuid,
    pub(crate) position: i64,
    #[sqlx(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) accepted_at: i64,
    pub(crate) status: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) pointer: Option<String>,
    pub(crate) decided_at: Option<i64>,
}

impl CommandRow {
    /// Whether it came to what it was for.
    pub(crate) fn completed(&self) -> bool {
        self.status == CommandState::Completed.name()
    }

    /// Whether nothing more can come of it.
    pub(crate) fn ended(&self) -> bool {
        let lasting = [CommandState::Pending, CommandState::NeedsAttention];
        !lasting.map(CommandState::name).contains(&&*self.status)
    }
}

/// Whose order a report is about, only its outcome may say.
const JOIN: &str = "SELECT c.id, c.position, c.type, coalesce(o.subject, c.subject) AS subject, c.correlation_id, c.accepted_at, o.code, o.detail, o.pointer,
        o.decided_at, coalesce(o.status, 'pending') AS status
   FROM commands c LEFT JOIN outcomes o ON o.command_id = c.id AND o.command_type = c.type";

/// Every command by its place in the log, for operators.
pub(crate) const LOG: &str = "SELECT l.position, c.id, c.type, c.subject, c.caller AS actor, c.accepted_at AS received_at,
        coalesce(o.status, 'pending') AS state, o.code
   FROM pipeline.message_log l JOIN commands c ON c.id = l.id LEFT JOIN outcomes o ON o.command_id = c.id AND o.command_type = c.type WHERE true";

/// Those of these commands that were taken before.
pub(crate) async fn known(
    tx: &mut WriteTx,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Known>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT id, correlation_id, request_hash FROM commands WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(tx.connection())
            .await?;
    rows.iter()
        .map(|row| {
            let known = Known {
                correlation_id: row.try_get("correlation_id")?,
                hash: row.try_get("request_hash")?,
            };
            Ok((row.try_get("id")?, known))
        })
        .collect()
}

/// Notes new commands and their keys.
pub(crate) async fn insert(tx: &mut WriteTx, new: &[NewCommand<'_>]) -> Result<(), sqlx::Error> {
    let key = |c: &NewCommand<'_>| c.request.idempotency.as_ref().map(|(key, _)| key.clone());
    let hash = |c: &NewCommand<'_>| {
        c.request
            .idempotency
            .as_ref()
            .map(|(_, hash)| hash.current().to_vec())
    };
    messaging::insert_rows!(tx.connection(), new => "commands" {
        id: uuid = |c| c.request.id,
        position: bigint = |c| c.position,
        type: text = |c| c.kind.as_str(),
        subject: text = |c| c.request.subject.as_str(),
        caller: text = |c| c.request.actor.subject.as_str(),
        partner_id: text = |c| c.request.actor.partner_id.as_deref(),
        brand_id: text = |c| c.request.actor.brand_id.as_deref(),
        key_hash: text = key,
        correlation_id: uuid = |c| c.request.correlation_id,
        accepted_at: bigint = |c| c.accepted_at.get(),
        request_hash: bytea = hash,
    })
    .await
}

/// A command of this caller, or of anyone (`None`).
pub(crate) async fn find(
    pool: &PgPool,
    id: Uuid,
    asker: Option<Asker<'_>>,
) -> Result<Option<CommandRow>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{JOIN} WHERE c.id = $1 AND ($2::text IS NULL OR {OF_ASKER})"
    )))
    .bind(id)
    .bind(asker.map(|asker| asker.subject))
    .bind(asker.and_then(|asker| asker.partner))
    .bind(asker.and_then(|asker| asker.brand))
    .fetch_optional(pool)
    .await
}

/// Nobody else of that name.
const OF_ASKER: &str =
    "c.caller = $2 AND c.partner_id IS NOT DISTINCT FROM $3 AND c.brand_id IS NOT DISTINCT FROM $4";

/// Of a caller's commands a page looks at so many at most for those that stand somehow: whoever has very many keeps nobody waiting.
const LOOKED_AT: i64 = 10_000;

/// A caller's commands, newest first. Those that stand so are looked for among its next ones below only: then also where that ended, if it
/// has more.
pub(crate) async fn list(
    pool: &PgPool,
    asker: Asker<'_>,
    status: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<(Vec<CommandRow>, Option<i64>), sqlx::Error> {
    let looked_at = format!(
        "SELECT c.position FROM commands c WHERE c.position < $1 AND {OF_ASKER} ORDER BY c.position DESC OFFSET $5 LIMIT 1"
    );
    let ended = match status {
        None => None,
        Some(_) => {
            sqlx::query_scalar(sqlx::AssertSqlSafe(looked_at))
                .bind(below)
                .bind(asker.subject)
                .bind(asker.partner)
                .bind(asker.brand)
                .bind(LOOKED_AT)
                .fetch_optional(pool)
                .await?
        }
    };
    let found = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{JOIN} WHERE c.position < $1 AND {OF_ASKER} AND ($5::text IS NULL OR coalesce(o.status, 'pending') = $5) AND c.position > $7
          ORDER BY c.position DESC LIMIT $6"
    )))
    .bind(below)
    .bind(asker.subject)
    .bind(asker.partner)
    .bind(asker.brand)
    .bind(status)
    .bind(rows)
    .bind(ended.unwrap_or(-1))
    .fetch_all(pool)
    .await?;
    // What stands at its end is the first that the next page looks at.
    Ok((found, ended.map(|position: i64| position + 1)))
}
