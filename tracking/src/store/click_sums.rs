//! `link_clicks` and `campaign_clicks`: what was clicked before `click_horizon`, by quarters of an hour and by days.
//!
//! Each row of `clicks` from before the horizon is counted there once. A job moves the horizon on over what is certain to be whole; a click
//! that comes later than that with an earlier time, since it was made without the database, is added by whoever writes it. Both hold the
//! horizon's row meanwhile.

use std::sync::LazyLock;

use chassis::time::{QUARTER_HOUR, QUARTERS_OF_DAY};
use sqlx::{PgConnection, PgPool};

/// A place in a list is the day and, in so many bits, the position of the link's event, which no two links share.
pub(crate) const LINK_BITS: u32 = 40;

/// What follows a statement's `part`, which has link, campaign, quarter of an hour and clicks: adds them, by quarters and days.
pub(crate) fn add_part() -> String {
    format!(
        "each_length AS (
             SELECT link_code, campaign_id, quarters, part.slot / quarters AS slot, sum(clicks)::bigint AS clicks
               FROM part, (VALUES (1::smallint), ({QUARTERS_OF_DAY}::smallint)) q(quarters) GROUP BY 1, 2, 3, 4
         ), of_campaigns AS (
             INSERT INTO campaign_clicks AS s (campaign_id, quarters, slot, clicks)
             SELECT campaign_id, quarters, slot, sum(clicks) FROM each_length GROUP BY 1, 2, 3
             ON CONFLICT (campaign_id, quarters, slot) DO UPDATE SET clicks = s.clicks + excluded.clicks
         )
         INSERT INTO link_clicks AS s (link_code, quarters, slot, clicks, place)
         SELECT e.link_code, e.quarters, e.slot, e.clicks, CASE WHEN e.quarters > 1 THEN e.slot << {LINK_BITS} | l.position END
           FROM each_length e LEFT JOIN links l ON l.code = e.link_code
         ON CONFLICT (link_code, quarters, slot) DO UPDATE SET clicks = s.clicks + excluded.clicks, place = excluded.place"
    )
}

static ADD_STRETCH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH part AS MATERIALIZED (
             SELECT link_code, campaign_id, clicked_at / {QUARTER_HOUR} AS slot, count(*) AS clicks FROM clicks
              WHERE clicked_at >= $1 AND clicked_at < $2 GROUP BY 1, 2, 3
         ), {}",
        add_part()
    )
});

/// Where the horizon stands, and what else it takes to move it.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct Look {
    /// Microseconds: what was clicked before is counted.
    pub(crate) summed_to: i64,
    /// No click that comes after this look is of an earlier time, unless its transaction is under way already.
    pub(crate) now: i64,
    /// When that was by the server's clock, which no test moves.
    pub(crate) looked_at: i64,
    /// By the same clock, when the oldest transaction of this role began that is under way.
    pub(crate) oldest: Option<i64>,
    /// Whether somebody else is there: a process that logged in under its service's second role, or an operator. When their transactions
    /// began is not shown.
    pub(crate) others: bool,
    /// The lowest transaction id that is under way.
    pub(crate) first_under_way: i64,
    /// The lowest transaction id that was not given yet.
    pub(crate) next_id: i64,
}

pub(crate) async fn look(pool: &PgPool) -> Result<Look, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT h.summed_to, ",
        messaging::sql_now!(),
        " AS now, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS looked_at,
          (SELECT (extract(epoch FROM min(a.xact_start)) * 1000000)::bigint FROM pg_stat_activity a
            WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()) AS oldest,
          EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.usename <> current_user) AS others,
          pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS first_under_way,
          pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_id
          FROM click_horizon h"
    ))
    .fetch_one(pool)
    .await
}

/// How many clicks there are from one moment on and before another, up to so many, and the moment right behind the last of these.
pub(crate) async fn next(
    pool: &PgPool,
    from: i64,
    before: i64,
    limit: i64,
) -> Result<(i64, Option<i64>), sqlx::Error> {
    let sql = "SELECT count(*), max(clicked_at) + 1 FROM (
                   SELECT clicked_at FROM clicks WHERE clicked_at >= $1 AND clicked_at < $2 ORDER BY clicked_at LIMIT $3) c";
    let next = sqlx::query_as(sql).bind(from).bind(before).bind(limit);
    next.fetch_one(pool).await
}

/// Moves the horizon from one moment to another, unless it was moved meanwhile.
pub(crate) async fn advance(pool: &PgPool, from: i64, to: i64) -> Result<(), sqlx::Error> {
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    let moved = sqlx::query("UPDATE click_horizon SET summed_to = $2 WHERE summed_to = $1")
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() == 1 {
        sqlx::query(ADD_STRETCH.as_str())
            .bind(from)
            .bind(to)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}

/// Keeps the horizon where it is to the end of the transaction.
pub(crate) async fn hold(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT FROM click_horizon FOR SHARE")
        .execute(connection)
        .await?;
    Ok(())
}
