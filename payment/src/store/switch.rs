//! `aside.payout_switch` and `aside.payout_proposals`: what operators say of payouts.

use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::Micros;

use crate::domain::Payout;

/// Whether money may leave.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Switch {
    pub(crate) paused: bool,
    pub(crate) since: i64,
    pub(crate) actor: String,
}

/// How it stands.
pub(crate) async fn read(pool: &PgPool) -> Result<Switch, sqlx::Error> {
    sqlx::query_as("SELECT paused, since, actor FROM aside.payout_switch")
        .fetch_one(pool)
        .await
}

/// Turns it. Since when it is so goes by the clock, as what is due does: where the log is ahead, its time stands still.
pub(crate) async fn turn(tx: &mut WriteTx, paused: bool, actor: &str) -> Result<(), sqlx::Error> {
    let now = tx.clock().get();
    sqlx::query("UPDATE aside.payout_switch SET paused = $1, since = $2, actor = $3")
        .bind(paused)
        .bind(now)
        .bind(actor)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Notes what an operator proposes for a payout. True when another operator proposed the same, so that it may be done.
pub(crate) async fn propose(
    tx: &mut WriteTx,
    payout: &Payout,
    decision: &str,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let now: Micros = tx.now();
    let confirms: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM aside.payout_proposals
                         WHERE payout = $1 AND event = $2 AND decision = $3 AND actor <> $4)",
    )
    .bind(payout.id.as_str())
    .bind(payout.last_event)
    .bind(decision)
    .bind(actor)
    .fetch_one(tx.connection())
    .await?;
    if !confirms {
        sqlx::query(
            "INSERT INTO aside.payout_proposals (payout, event, decision, actor, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (payout) DO UPDATE SET event = excluded.event, decision = excluded.decision,
                 actor = excluded.actor, at = excluded.at",
        )
        .bind(payout.id.as_str())
        .bind(payout.last_event)
        .bind(decision)
        .bind(actor)
        .bind(now.get())
        .execute(tx.connection())
        .await?;
    }
    Ok(confirms)
}

/// Has the provider asked about a payout at once, however long its last answers let it wait.
pub(crate) async fn look_up_now(tx: &mut WriteTx, payout: &Payout) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO aside.calls (payout, event, tries, next_at) VALUES ($1, $2, 0, 0)
         ON CONFLICT (payout) DO UPDATE SET event = excluded.event, next_at = 0",
    )
    .bind(payout.id.as_str())
    .bind(payout.last_event)
    .execute(tx.connection())
    .await?;
    Ok(())
}
