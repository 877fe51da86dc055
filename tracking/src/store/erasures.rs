//! `erasures`: what is being erased of visitors in the tables that are no fold. Notes go, and clicks and last clicks are nobody's.

use std::collections::HashSet;

use runtime::each;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{BrandId, Micros, Uuid};

use crate::domain::{Candidate, UserHash, Visitor};

/// Rows that are looked at in one step.
const ROWS: i64 = 5_000;
/// Erasures that are looked at in one step.
const TOGETHER: i64 = 16;
/// A click that was being written when its erasure began is there by then, or is not written at all: twice the longest statement, in
/// microseconds.
const SETTLED: i64 = 60_000_000;

/// That the visitor of a click `c`, of a campaign of this brand, or else of the campaign that it names, is not being erased with it.
macro_rules! is_kept {
    () => {
        is_kept!("(SELECT p.brand_id FROM campaigns p WHERE p.id = c.campaign_id)")
    };
    ($brand:literal) => {
        concat!(
            "NOT EXISTS (SELECT FROM erasures e WHERE e.user_hash = c.user_hash AND e.brand_id = ",
            $brand,
            " AND c.clicked_at <= e.until)"
        )
    };
}
pub(super) use is_kept;

/// Of last clicks there is one for each campaign, by an index.
const FORGET: &str = "DELETE FROM last_clicks
  WHERE user_hash = ANY($1) AND campaign_id IN (SELECT id FROM campaigns WHERE brand_id = $2) AND clicked_at <= $3";

/// One that was under way begins again. Under two of its keys a visitor may have the same hash.
const BEGIN: &str = "INSERT INTO erasures (user_hash, brand_id, until)
  SELECT DISTINCT hash, $2, $3 FROM UNNEST($1::bytea[]) AS h(hash)
  ON CONFLICT (user_hash, brand_id) DO UPDATE SET until = excluded.until, clicked_at = 0, click_id = ''";

/// Begins to erase what there is of these visitors of these brands: what is decided next knows of none of their clicks.
pub async fn begin(
    connection: &mut PgConnection,
    visitors: &[(BrandId, Visitor)],
    now: Micros,
) -> Result<(), sqlx::Error> {
    for (brand, visitor) in visitors {
        let hashes: Vec<UserHash> = visitor.hashes().collect();
        let hashes = each(&hashes, |hash| hash.0.as_slice());
        for sql in [FORGET, BEGIN] {
            sqlx::query(sql)
                .bind(&hashes)
                .bind(brand.as_str())
                .bind(now.0)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Those of these commands, each of which says of a click whose it was, whose visitor is being erased with the click.
pub async fn under_way(
    connection: &mut PgConnection,
    bindings: &[(Uuid, &Visitor, &Candidate)],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let hashes = bindings.iter().flat_map(|&(command, visitor, click)| {
        let hashes = visitor.hashes();
        hashes.map(move |hash| (command, hash, click))
    });
    let hashes: Vec<_> = hashes.collect();
    let found: Vec<Uuid> = sqlx::query_scalar(
        "SELECT q.command FROM UNNEST($1::uuid[], $2::bytea[], $3::text[], $4::bigint[]) AS q(command, user_hash, brand_id, clicked_at)
           JOIN erasures e ON e.user_hash = q.user_hash AND e.brand_id = q.brand_id AND q.clicked_at <= e.until",
    )
    .bind(each(&hashes, |(command, ..)| *command))
    .bind(each(&hashes, |(_, hash, _)| hash.0.as_slice()))
    .bind(each(&hashes, |(.., click)| click.brand.as_str()))
    .bind(each(&hashes, |(.., click)| click.clicked_at.0))
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().collect())
}

/// One that is under way.
#[derive(Debug, FromRow)]
struct Erasure {
    user_hash: Vec<u8>,
    brand_id: String,
    until: i64,
    clicked_at: i64,
    click_id: String,
}

/// The next clicks of the visitor, whose-ever campaigns they are of, by the index; of the brand's they are nobody's then.
const CLICKS: &str = "WITH part AS (
    SELECT clicked_at, id, campaign_id FROM clicks
     WHERE user_hash = $1 AND clicked_at BETWEEN $4 AND $3 AND (clicked_at, id) > ($4, $5)
     ORDER BY clicked_at, id LIMIT $6
  ), erased AS (
    UPDATE clicks c SET user_hash = NULL, sub_ids = NULL FROM part p
     WHERE c.clicked_at = p.clicked_at AND c.id = p.id
       AND c.clicked_at BETWEEN (SELECT min(clicked_at) FROM part) AND (SELECT max(clicked_at) FROM part)
       AND p.campaign_id IN (SELECT id FROM campaigns WHERE brand_id = $2)
  )
  SELECT clicked_at, id, (SELECT count(*) FROM part) FROM part ORDER BY clicked_at DESC, id DESC LIMIT 1";

const NOTES: &str = "DELETE FROM report_notes WHERE command_id IN (
    SELECT command_id FROM report_notes
     WHERE user_hash = $1 AND (brand_id IS NULL OR brand_id = $2) AND noted_at <= $3 LIMIT $4)";

/// A step of each of the erasures that are under way for longest: nothing waits for it.
///
/// # Errors
///
/// The last of those that failed; none holds up the others of the step.
pub(crate) async fn step(pool: &PgPool, now: Micros) -> Result<(), sqlx::Error> {
    let under_way: Vec<Erasure> =
        sqlx::query_as("SELECT * FROM erasures WHERE until < $1 ORDER BY until LIMIT $2")
            .bind(now.0.saturating_sub(SETTLED))
            .bind(TOGETHER)
            .fetch_all(pool)
            .await?;
    let mut done = Ok(());
    for erasure in under_way {
        if let Err(error) = erasure.step(pool).await {
            done = Err(error);
        }
    }
    done
}

impl Erasure {
    /// As many clicks as are looked at in a step, or else the last of them, with as many notes, and the end when it has no more.
    async fn step(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let of = |sql| {
            sqlx::query(sql)
                .bind(&self.user_hash)
                .bind(&self.brand_id)
                .bind(self.until)
        };
        let last: Option<(i64, String, i64)> = sqlx::query_as(CLICKS)
            .bind(&self.user_hash)
            .bind(&self.brand_id)
            .bind(self.until)
            .bind(self.clicked_at)
            .bind(&self.click_id)
            .bind(ROWS)
            .fetch_optional(pool)
            .await?;
        if let Some((clicked_at, click_id, ROWS)) = last {
            let to = "UPDATE erasures SET clicked_at = $4, click_id = $5 WHERE user_hash = $1 AND brand_id = $2 AND until = $3";
            of(to).bind(clicked_at).bind(click_id).execute(pool).await?;
            return Ok(());
        }
        let notes = of(NOTES).bind(ROWS).execute(pool).await?;
        if notes.rows_affected() == ROWS.unsigned_abs() {
            return Ok(());
        }
        // A click that was being written when this began may have come back as a last one.
        sqlx::query(FORGET)
            .bind([&self.user_hash])
            .bind(&self.brand_id)
            .bind(self.until)
            .execute(pool)
            .await?;
        let ended = "DELETE FROM erasures WHERE user_hash = $1 AND brand_id = $2 AND until = $3";
        of(ended).execute(pool).await?;
        Ok(())
    }
}
