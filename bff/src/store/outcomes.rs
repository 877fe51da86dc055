//! `outcomes`: how commands ended.

use std::collections::HashSet;

use money::Micros;
use pipeline::WriteTx;
use uuid::Uuid;

use super::each;

/// How a command ended, or that it is stuck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) command_id: Uuid,
    pub(crate) command_type: String,
    pub(crate) status: &'static str,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    pub(crate) subject: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) pointer: Option<String>,
    pub(crate) decided_at: Micros,
}

/// A stuck command may still end; an end stays.
pub(crate) const NEEDS_ATTENTION: &str = "needs_attention";

/// Those of these commands that were asked here.
pub(crate) async fn asked_here(
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
    sqlx::query(
        "INSERT INTO outcomes (command_id, status, event_id, event_type, subject, code, detail, pointer, decided_at,
                               command_type)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::bigint[], $10::text[])
         ON CONFLICT (command_id, command_type) DO UPDATE
            SET status = excluded.status, event_id = excluded.event_id, event_type = excluded.event_type,
                subject = excluded.subject, code = excluded.code, detail = excluded.detail,
                pointer = excluded.pointer, decided_at = excluded.decided_at
          WHERE outcomes.status = 'needs_attention'",
    )
    .bind(each(outcomes, |o| o.command_id))
    .bind(each(outcomes, |o| o.status))
    .bind(each(outcomes, |o| o.event_id))
    .bind(each(outcomes, |o| o.event_type.as_str()))
    .bind(each(outcomes, |o| o.subject.as_str()))
    .bind(each(outcomes, |o| o.code.as_deref()))
    .bind(each(outcomes, |o| o.detail.as_deref()))
    .bind(each(outcomes, |o| o.pointer.as_deref()))
    .bind(each(outcomes, |o| o.decided_at.get()))
    .bind(each(outcomes, |o| o.command_type.as_str()))
    .execute(tx.connection())
    .await?;
    Ok(())
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
