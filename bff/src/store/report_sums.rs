//! What reports sum up, kept by quarters of an hour: `report_sums`, `report_totals`, which has whole days too, and `report_alone`, before
//! `report_horizon`.
//!
//! Each conversion that is a partner's and was recorded before the horizon is in the sums once, with its commission as it stands. A job
//! moves the horizon on; a projection that changes what lies before it takes it out first and puts it in again. Both hold the lock of
//! the read models.

use std::fmt::Write;
use std::sync::LazyLock;

use chassis::time::{QUARTER_HOUR, QUARTERS_OF_DAY};
use messaging::WriteTx;
use sqlx::PgPool;

/// Which conversions a statement is about.
enum Of {
    /// Recorded from `$2` on and before `$3`.
    Stretch,
    /// Those of `$2` that were recorded before `$3`.
    Ids,
}

/// Conversions of these ids, by these alone: else the server also looks at the summary of all that was recorded before the horizon.
macro_rules! named {
    ($ids:literal) => {
        concat!("conversions WHERE id = ANY(", $ids, ") OFFSET 0")
    };
}

/// Adds what these conversions come to, `$1` times.
fn adding(of: &Of) -> String {
    let which = match of {
        Of::Stretch => "conversions WHERE recorded_at >= $2 AND recorded_at < $3",
        Of::Ids => named!("$2"),
    };
    let mut sql = format!(
        "WITH part AS MATERIALIZED (
             SELECT c.recorded_at / {QUARTER_HOUR} AS slot, coalesce(c.campaign_id, '') AS campaign_id, coalesce(c.brand_id, '') AS brand_id,
                    coalesce(c.partner_id, '') AS partner_id, coalesce(c.link_code, '') AS link_code, coalesce(c.currency, '') AS currency,
                    coalesce(m.currency, '') AS earned_in, $1 * count(*) FILTER (WHERE c.event_type = 'lead') AS leads,
                    $1 * count(*) FILTER (WHERE c.event_type = 'purchase') AS sales, $1 * coalesce(sum(c.amount_minor), 0) AS revenue,
                    $1 * coalesce(sum(c.refunded_minor), 0) AS refunds,
                    $1 * coalesce(sum(m.amount_minor::numeric - m.reversed_minor), 0) AS commissions
               FROM (SELECT * FROM {which}) c LEFT JOIN commissions m ON m.id = c.id
              WHERE c.status = 'attributed' AND c.recorded_at < $3
              GROUP BY 1, 2, 3, 4, 5, 6, 7),
         apart AS ("
    );
    push_upsert(
        &mut sql,
        "report_sums",
        &["partner_id", "link_code"],
        "part",
    );
    sql.push_str(") ");
    let each_length = format!(
        "(SELECT campaign_id, slot / quarters AS slot, quarters, brand_id, currency, earned_in, {}
            FROM part, (VALUES (1::smallint), ({QUARTERS_OF_DAY}::smallint)) q(quarters)) part",
        FIGURES.join(", ")
    );
    push_upsert(&mut sql, "report_totals", &["quarters"], &each_length);
    sql
}

const FIGURES: [&str; 5] = ["leads", "sales", "revenue", "refunds", "commissions"];

fn push_upsert(sql: &mut String, table: &str, apart: &[&str], from: &str) {
    let mut key = vec!["campaign_id", "slot"];
    key.extend(apart);
    key.extend(["currency", "earned_in"]);
    let key = key.join(", ");
    let sums = FIGURES.map(|it| format!("sum({it})")).join(", ");
    let added = FIGURES.map(|it| format!("{it} = s.{it} + excluded.{it}"));
    let _ = write!(
        sql,
        "INSERT INTO {table} AS s ({key}, brand_id, {}) SELECT {key}, min(brand_id), {sums} FROM {from} GROUP BY {key}
         ON CONFLICT ({key}) DO UPDATE SET {}",
        FIGURES.join(", "),
        added.join(", ")
    );
}

static ADD_STRETCH: LazyLock<String> = LazyLock::new(|| adding(&Of::Stretch));
static ADD_IDS: LazyLock<String> = LazyLock::new(|| adding(&Of::Ids));

/// The horizon, and which of `$1` lie before it.
const SUMMED: &str = concat!(
    "SELECT h.summed_to, ARRAY(SELECT c.id FROM (SELECT id, recorded_at FROM ",
    named!("$1"),
    ") c WHERE c.recorded_at < h.summed_to) FROM report_horizon h"
);

/// What a batch changes of what was summed before.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Conversions that are stated as a partner's or nobody's, each with when it was recorded.
    pub(crate) stated: Vec<(String, i64)>,
    /// Commissions that are calculated, with when.
    pub(crate) calculated: Vec<(String, i64)>,
    /// Conversions and commissions of which something was given back.
    pub(crate) reduced: Vec<String>,
}

/// What of that lies before the horizon.
#[derive(Debug)]
pub(crate) struct Late {
    horizon: i64,
    ids: Vec<String>,
    alone: Vec<String>,
}

impl Touched {
    /// Takes out of the sums what they have of it, before it changes; `None` where they have nothing of it, and need not have.
    pub(crate) async fn take_out(self, tx: &mut WriteTx) -> Result<Option<Late>, sqlx::Error> {
        let Self {
            stated,
            calculated,
            reduced,
        } = self;
        if stated.is_empty() && calculated.is_empty() && reduced.is_empty() {
            return Ok(None);
        }
        // After a restore one may be decided again, and later: what is summed of it is found by the row that is there.
        let known: Vec<&str> = calculated
            .iter()
            .chain(&stated)
            .map(|(id, _)| id)
            .chain(&reduced)
            .map(String::as_str)
            .collect();
        let (horizon, mut ids): (i64, Vec<String>) = sqlx::query_as(SUMMED)
            .bind(&known)
            .fetch_one(tx.connection())
            .await?;
        let before = |all: Vec<(String, i64)>| {
            let before = all.into_iter().filter(|(_, at)| *at < horizon);
            before.map(|(id, _)| id)
        };
        ids.extend(before(stated));
        let alone: Vec<String> = before(calculated).collect();
        let late = Late {
            horizon,
            ids,
            alone,
        };
        if late.ids.is_empty() && late.alone.is_empty() {
            return Ok(None);
        }
        late.add(tx, -1).await?;
        Ok(Some(late))
    }
}

impl Late {
    /// Puts it in again, as it stands now.
    pub(crate) async fn put_in(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        self.add(tx, 1).await?;
        // One that is summed with its conversion is alone from now on where that is nobody's any more.
        sqlx::query(
            "INSERT INTO report_alone SELECT m.id FROM (SELECT id FROM commissions WHERE id = ANY($1) OFFSET 0) m
              WHERE NOT EXISTS (SELECT FROM conversions c WHERE c.id = m.id AND c.status = 'attributed') ON CONFLICT DO NOTHING",
        )
        .bind([self.ids, self.alone].concat())
        .execute(tx.connection())
        .await?;
        Ok(())
    }

    async fn add(&self, tx: &mut WriteTx, times: i64) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query(ADD_IDS.as_str())
            .bind(times)
            .bind(&self.ids)
            .bind(self.horizon)
            .execute(tx.connection())
            .await?;
        Ok(())
    }
}

/// Up to where all is summed, and the newest that both streams have brought.
pub(crate) async fn horizon(pool: &PgPool) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT h.summed_to, coalesce(least((SELECT recorded_at FROM conversions ORDER BY position DESC LIMIT 1),
                                            (SELECT calculated_at FROM commissions ORDER BY position DESC LIMIT 1)), 0)
           FROM report_horizon h",
    )
    .fetch_one(pool)
    .await
}

/// Conversions that were recorded from one moment on and before another, counted up to a limit.
pub(crate) async fn count(
    pool: &PgPool,
    from: i64,
    to: i64,
    limit: i64,
) -> Result<i64, sqlx::Error> {
    let sql = "SELECT count(*) FROM (SELECT FROM conversions WHERE recorded_at >= $1 AND recorded_at < $2 LIMIT $3) c";
    let count = sqlx::query_scalar(sql).bind(from).bind(to).bind(limit);
    count.fetch_one(pool).await
}

/// Moves the horizon from one moment to another, unless it was moved meanwhile.
pub(crate) async fn advance(tx: &mut WriteTx, from: i64, to: i64) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query("UPDATE report_horizon SET summed_to = $2 WHERE summed_to = $1")
        .bind(from)
        .bind(to)
        .execute(tx.connection())
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(ADD_STRETCH.as_str())
        .bind(1_i64)
        .bind(from)
        .bind(to)
        .execute(tx.connection())
        .await?;
    sqlx::query(
        "INSERT INTO report_alone SELECT m.id FROM commissions m WHERE m.calculated_at >= $1 AND m.calculated_at < $2
            AND NOT EXISTS (SELECT FROM conversions c WHERE c.id = m.id AND c.status = 'attributed') ON CONFLICT DO NOTHING",
    )
    .bind(from)
    .bind(to)
    .execute(tx.connection())
    .await?;
    // Whose conversions have come since.
    sqlx::query(
        "DELETE FROM report_alone a USING conversions c WHERE c.id = a.id AND c.status = 'attributed'",
    )
    .execute(tx.connection())
    .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use runtime::testing::TestService;
    use sqlx::AssertSqlSafe;

    use super::*;

    #[tokio::test]
    async fn conversions_are_found_by_their_ids_alone() {
        let service = TestService::start(crate::define).await;
        let mut connection = service.pool().acquire().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at)
             SELECT 'conversion ' || n, n, 'attributed', 0, n, n FROM generate_series(1, 50000) n;
             ANALYZE conversions",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        // As transactions that write have it: a plan is kept, whatever it was made for.
        let settings = "SET plan_cache_mode = force_generic_plan";
        sqlx::query(settings)
            .execute(&mut *connection)
            .await
            .unwrap();
        for (statement, values) in [(SUMMED, "'{a}'"), (ADD_IDS.as_str(), "1, '{a}', 1")] {
            let prepare = format!("PREPARE it AS {statement}");
            sqlx::raw_sql(AssertSqlSafe(prepare))
                .execute(&mut *connection)
                .await
                .unwrap();
            let explain = format!("EXPLAIN EXECUTE it ({values})");
            let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
            let plan = plan.join("\n");
            assert!(
                plan.contains("conversions_pkey") && !plan.contains("conversions_by_time"),
                "{plan}"
            );
            sqlx::raw_sql("DEALLOCATE it")
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        drop(connection);
        service.stop().await;
    }
}
