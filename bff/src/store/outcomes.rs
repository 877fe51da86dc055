//! `outcomes`: how commands ended.

use std::collections::HashSet;

use messaging::WriteTx;
use runtime::CommandState;
use types::Micros;
use uuid::Uuid;

/// How a command ended, or that it is stuck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) command_id: Uuid,
    pub(crate) command_type: String,
    pub(crate) status: CommandState,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    pub(crate) subject: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) pointer: Option<String>,
    pub(crate) decided_at: Micros,
}

/// Those of these commands that were asked here.
pub(crate) async fn submitted_here(
    tx: &mut WriteTx,
    commands: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM commands WHERE id = ANY($1)")
        .bind(commands)
        .fetch_all(tx.connection())
        .await?;
    Ok(ids.into_iter().collect())
}

/// Notes outcomes, one per command.
pub(crate) async fn upsert(tx: &mut WriteTx, outcomes: &[Outcome]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(tx.connection(), outcomes => "outcomes" {
        command_id: uuid = |o| o.command_id,
        status: text = |o| o.status.name(),
        event_id: uuid = |o| o.event_id,
        event_type: text = |o| o.event_type.as_str(),
        subject: text = |o| o.subject.as_str(),
        code: text = |o| o.code.as_deref(),
        detail: text = |o| o.detail.as_deref(),
        pointer: text = |o| o.pointer.as_deref(),
        decided_at: bigint = |o| o.decided_at.get(),
        command_type: text = |o| o.command_type.as_str(),
    } on (command_id, command_type) set (
        status, event_id, event_type, subject, code, detail, pointer, decided_at
    ) "WHERE outcomes.status = 'needs_attention'")
    .await
}

/// Those of these commands that ended.
pub(crate) async fn ended(
    pool: &sqlx::PgPool,
    commands: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT c.id FROM commands c JOIN outcomes o ON o.command_id = c.id AND o.command_type = c.type
          WHERE c.id = ANY($1) AND o.status <> 'needs_attention'",
    )
    .bind(commands)
    .fetch_all(pool)
    .await
}
