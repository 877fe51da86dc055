//! `crm_calls`: what the CRM is asked, and what became of it.

use sqlx::{FromRow, PgConnection, PgPool};
use types::{Micros, PartnerId, Uuid, WorkflowId, WorkflowReason};

/// What the CRM is to be asked.
#[derive(Debug)]
pub(crate) struct NewCall {
    pub(crate) workflow: WorkflowId,
    /// Whom the contact is of.
    pub(crate) partner: PartnerId,
    /// Whether its contact is to be removed.
    pub(crate) removes: bool,
    /// Whether it is to be forgotten, too.
    pub(crate) erases: bool,
    pub(crate) correlation_id: Uuid,
}

/// A call that is to be made now, or that the log is to have.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Call {
    pub workflow_id: String,
    pub generation: i64,
    pub removes: bool,
    pub erases: bool,
    pub correlation_id: Uuid,
    pub reason: Option<String>,
    pub crm_status: Option<i32>,
    pub attempts: i32,
    /// Attempts that may have had an effect, with the one under way.
    pub indeterminate: i32,
    pub next_at: i64,
    pub ended_at: Option<i64>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done.
    Done,
    /// It is made again.
    At(Micros),
    /// It is not made again.
    Failed(WorkflowReason),
}

/// Keeps what is to be asked, of each workflow one thing: what is asked later is asked in its place, and at once, but after what may be
/// under way. What is indeterminate stays so.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    calls: &[NewCall],
    now: Micros,
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, calls => "crm_calls" {
        workflow_id: text = |it| it.workflow.to_string(),
        partner_id: text = |it| it.partner.to_string(),
        removes: boolean = |it| it.removes,
        erases: boolean = |it| it.erases,
        correlation_id: uuid = |it| it.correlation_id,
        created_at: bigint = |_| now.get(),
        next_at: bigint = |_| now.get(),
    } "ON CONFLICT (workflow_id) DO UPDATE SET generation = DEFAULT, removes = excluded.removes, erases = excluded.erases,
         state = 'pending', reason = NULL, crm_status = NULL, attempts = 0, created_at = excluded.created_at,
         next_at = excluded.next_at, ended_at = NULL")
    .await
}

/// The log has what became of these, or nobody wants to know. One that may be under way stays until it has ended: nothing else is asked of
/// its partner meanwhile.
pub(crate) async fn drop_calls(
    connection: &mut PgConnection,
    workflows: &[String],
    now: Micros,
) -> Result<(), sqlx::Error> {
    if workflows.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE crm_calls SET state = 'dropped' WHERE workflow_id = ANY($1)")
        .bind(workflows)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM crm_calls WHERE workflow_id = ANY($1) AND leased_until <= $2")
        .bind(workflows)
        .bind(now.get())
        .execute(connection)
        .await
        .map(|_| ())
}

/// Takes away what was dropped while it was under way, once its caller has had its time.
pub(crate) async fn forget_dropped(pool: &PgPool, now: Micros) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM crm_calls WHERE state = 'dropped' AND leased_until <= $1")
        .bind(now.get())
        .execute(pool)
        .await
        .map(|_| ())
}

/// Of these workflows, the calls that have ended, by their generation.
pub(crate) async fn ended(
    connection: &mut PgConnection,
    workflows: &[String],
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let sql = "SELECT workflow_id, generation FROM crm_calls WHERE workflow_id = ANY($1) AND state IN ('done', 'failed')";
    runtime::load_rows(connection, sql, workflows).await
}

/// Takes those that are due, and leaves them to whoever called until then. What cannot be written is not asked either. Of a partner there
/// is one contact: what workflows ask of it is asked one by one, and what forgets it first, whenever that is due: done later, it would take
/// the contact of whoever came back. `forgets`: there is a CRM that is told to. Whoever is killed now has perhaps asked.
pub(crate) async fn take_due(
    pool: &PgPool,
    (now, until): (Micros, Micros),
    most: i64,
    forgets: bool,
) -> Result<Vec<Call>, sqlx::Error> {
    sqlx::query_as(
        "UPDATE crm_calls SET leased_until = $3, indeterminate = indeterminate + 1
          WHERE workflow_id IN (SELECT workflow_id FROM crm_calls c WHERE state = 'pending' AND next_at <= $1 AND leased_until <= $1
                AND NOT EXISTS (SELECT 1 FROM crm_calls b WHERE b.partner_id = c.partner_id AND b.workflow_id <> c.workflow_id
                      AND (b.leased_until > $1 OR b.state = 'pending' AND CASE WHEN b.erases = c.erases
                           THEN b.next_at <= $1 AND (b.next_at, b.workflow_id) < (c.next_at, c.workflow_id) ELSE b.erases AND $4 END))
                AND (c.erases OR NOT $4 OR NOT EXISTS (SELECT 1 FROM erased_partners e WHERE e.partner_id = c.partner_id))
                                 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING *",
    )
    .bind(now.get())
    .bind(most)
    .bind(until.get())
    .bind(forgets)
    .fetch_all(pool)
    .await
}

/// Notes what became of a call, unless something else is asked by now; whoever was called is called no longer. `refused`: it had no effect.
pub(crate) async fn note(
    pool: &PgPool,
    call: &Call,
    (at, next, crm_status): (Micros, Next, Option<i32>),
    refused: bool,
) -> Result<(), sqlx::Error> {
    let (state, next_at, ended_at, reason) = match next {
        Next::Done => ("done", None, Some(at), None),
        Next::At(at) => ("pending", Some(at), None, None),
        Next::Failed(reason) => ("failed", None, Some(at), Some(reason)),
    };
    end_lease(pool, call, refused).await?;
    sqlx::query(
        "UPDATE crm_calls SET state = $3, attempts = attempts + 1, next_at = coalesce($4, next_at), ended_at = $5, reason = $6, crm_status = $7
          WHERE workflow_id = $1 AND generation = $2 AND state = 'pending'",
    )
    .bind(&call.workflow_id)
    .bind(call.generation)
    .bind(state)
    .bind(next_at.map(Micros::get))
    .bind(ended_at.map(Micros::get))
    .bind(reason.map(WorkflowReason::name))
    .bind(crm_status)
    .execute(pool)
    .await
    .map(|_| ())
}

/// Nobody is called any more for a workflow, whatever is asked of it by now.
async fn end_lease(pool: &PgPool, call: &Call, refused: bool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE crm_calls SET leased_until = 0, indeterminate = indeterminate - $2 WHERE workflow_id = $1",
    )
    .bind(&call.workflow_id)
    .bind(i32::from(refused))
    .execute(pool)
    .await?;
    sqlx::query("DELETE FROM crm_calls WHERE workflow_id = $1 AND state = 'dropped'")
        .bind(&call.workflow_id)
        .execute(pool)
        .await
        .map(|_| ())
}

/// Leaves a call for later that was not made: it counts as no attempt.
pub(crate) async fn put_off(pool: &PgPool, call: &Call, until: Micros) -> Result<(), sqlx::Error> {
    end_lease(pool, call, true).await?;
    sqlx::query("UPDATE crm_calls SET next_at = $3 WHERE workflow_id = $1 AND generation = $2")
        .bind(&call.workflow_id)
        .bind(call.generation)
        .bind(until.get())
        .execute(pool)
        .await
        .map(|_| ())
}

/// Those that have ended, which the log does not have yet.
pub(crate) async fn to_conclude(
    pool: &PgPool,
    passed: i64,
    most: i64,
) -> Result<Vec<Call>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM crm_calls WHERE state IN ('done', 'failed') ORDER BY ended_at, workflow_id OFFSET $1 LIMIT $2",
    )
    .bind(passed)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// How these are called just now.
pub(crate) async fn load(pool: &PgPool, workflows: &[String]) -> Result<Vec<Call>, sqlx::Error> {
    let sql = "SELECT * FROM crm_calls WHERE workflow_id = ANY($1) AND state <> 'dropped'";
    runtime::load_rows(pool, sql, workflows).await
}

/// Whether another workflow of the same partner has made it a contact that is to stay. One that is still to be made is made anew whole, by a call
/// behind the one that removes it.
pub(crate) async fn is_kept(pool: &PgPool, workflow: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        r#"SELECT EXISTS (SELECT 1 FROM workflows w JOIN workflows o USING (partner_id)
            WHERE w.id = $1 AND o.id <> w.id AND o.status IN ('running', 'completed')
              AND (o.steps::jsonb @> '[{"step": "crm_contact", "state": "completed"}]'
                   OR o.steps::jsonb @> '[{"step": "crm_contact", "state": "running"}]'
                  AND EXISTS (SELECT 1 FROM crm_calls c WHERE c.workflow_id = o.id AND NOT c.removes AND c.state = 'done')))"#,
    )
    .bind(workflow)
    .fetch_one(pool)
    .await
}
