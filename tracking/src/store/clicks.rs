//! `clicks` and `last_clicks`: written in groups beside the writer lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use chassis::time::{Day, QUARTER_HOUR};
use messaging::AdvisoryLock;
use messaging::group::GroupWrite;
use messaging::partition::{self, Readers};
use runtime::each;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use types::{ClickId, LinkCode};

use super::click_sums;
use super::erasures::is_kept;
use super::unreadable;
use crate::click_id;
use crate::domain::{Candidate, UserHash};
use crate::store::links::Target;

/// A click to write.
#[derive(Debug, Clone)]
pub struct NewClick {
    /// The link that was clicked.
    pub code: LinkCode,
    /// Where it leads and for which campaign.
    pub link: Arc<Target>,
    /// Who, where the link says so.
    pub user: Option<UserHash>,
    /// What its partner wants to find with it.
    pub sub_ids: Option<SubIds>,
}

/// Sub ids, by their names in the query of the redirect.
pub type SubIds = BTreeMap<&'static str, String>;

/// Writes clicks; each gets its time and its id from the database, as reports do.
#[derive(Debug, Clone)]
pub struct ClickWriter {
    /// Where to.
    pub pool: PgPool,
}

/// Visitors in one order, so that two writers cannot wait for each other. Without a limit the server takes the head for many
/// rows, and plans each statement anew for the number of its clicks.
const INSERT: &str = r"
WITH t AS (
    SELECT greatest(last_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset) AS now
      FROM pipeline.log_head LIMIT 1
), written AS (
    INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash, sub_ids)
    SELECT t.now, 'clk_' || lpad(to_hex(t.now), 14, '0') || q.nonce, q.link_code, q.campaign_id, q.user_hash, q.sub_ids
      FROM t, UNNEST($1::text[], $2::text[], $3::text[], $4::bytea[], $5::jsonb[]) AS q(nonce, link_code, campaign_id, user_hash, sub_ids)
    RETURNING clicked_at, id, link_code, campaign_id, user_hash
), last AS (
    INSERT INTO last_clicks (user_hash, campaign_id, clicked_at, id, link_code)
    SELECT DISTINCT ON (user_hash, campaign_id) user_hash, campaign_id, clicked_at, id, link_code
      FROM written WHERE user_hash IS NOT NULL
     ORDER BY user_hash, campaign_id, id DESC
    ON CONFLICT (user_hash, campaign_id) DO UPDATE
       SET clicked_at = excluded.clicked_at, id = excluded.id, link_code = excluded.link_code
     WHERE (excluded.clicked_at, excluded.id) > (last_clicks.clicked_at, last_clicks.id)
)
SELECT id FROM written";

/// Whose these clicks were, of those that have a row and of which it is known. Of a visitor that is being erased it is not.
pub async fn visitors(
    connection: &mut PgConnection,
    clicks: &[&Candidate],
) -> Result<HashMap<ClickId, UserHash>, sqlx::Error> {
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(concat!(
        "SELECT c.id, c.user_hash FROM UNNEST($1::bigint[], $2::text[]) AS q(at, id)
               JOIN clicks c ON c.clicked_at = q.at AND c.id = q.id
              WHERE c.user_hash IS NOT NULL AND ",
        is_kept!(),
    ))
    .bind(each(clicks, |click| click.clicked_at.0))
    .bind(each(clicks, |click| click.click.as_str()))
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(id, hash)| {
            let id = ClickId::parse(id).map_err(|_| unreadable("click id"))?;
            let hash = hash.try_into().map_err(|_| unreadable("visitor"))?;
            Ok((id, UserHash(hash)))
        })
        .collect()
}

/// Notes whose clicks were. Visitors in the order of [`INSERT`]; of a click that was made without the database this is the row.
static BIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
WITH q AS (
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        AS q(clicked_at, id, link_code, campaign_id, user_hash)
), written AS (
    INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
    SELECT clicked_at, id, link_code, campaign_id, user_hash FROM q
    ON CONFLICT (clicked_at, id) DO UPDATE SET user_hash = excluded.user_hash
), last AS (
    INSERT INTO last_clicks (user_hash, campaign_id, clicked_at, id, link_code)
    SELECT DISTINCT ON (user_hash, campaign_id) user_hash, campaign_id, clicked_at, id, link_code
      FROM q
     ORDER BY user_hash, campaign_id, clicked_at DESC, id DESC
    ON CONFLICT (user_hash, campaign_id) DO UPDATE
       SET clicked_at = excluded.clicked_at, id = excluded.id, link_code = excluded.link_code
     WHERE (excluded.clicked_at, excluded.id) > (last_clicks.clicked_at, last_clicks.id)
), part AS (
    SELECT link_code, campaign_id, clicked_at / {QUARTER_HOUR} AS slot, count(*) AS clicks
      FROM q
     WHERE clicked_at < (SELECT summed_to FROM click_horizon)
       AND NOT EXISTS (SELECT FROM clicks c WHERE c.clicked_at = q.clicked_at AND c.id = q.id)
     GROUP BY 1, 2, 3
), {}",
        click_sums::add_part()
    )
});

/// Notes whose clicks were, under the writer lock.
pub async fn bind(
    connection: &mut PgConnection,
    clicks: &[(Candidate, UserHash)],
) -> Result<(), sqlx::Error> {
    if clicks.is_empty() {
        return Ok(());
    }
    let without_row = clicks
        .iter()
        .filter(|(click, _)| !click.click.as_str().starts_with(click_id::STORED));
    let days: BTreeSet<i64> = without_row
        .map(|(click, _)| click.clicked_at.0 / Day::MICROS)
        .collect();
    if !days.is_empty() {
        click_sums::hold(connection).await?;
    }
    for day in days {
        make_partition(connection, day).await?;
    }
    sqlx::query(BIND.as_str())
        .bind(each(clicks, |(click, _)| click.clicked_at.0))
        .bind(each(clicks, |(click, _)| click.click.as_str()))
        .bind(each(clicks, |(click, _)| click.link.as_str()))
        .bind(each(clicks, |(click, _)| click.campaign.as_str()))
        .bind(each(clicks, |(_, user)| user.0.as_slice()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the partition of a day, where there is none.
async fn make_partition(connection: &mut PgConnection, day: i64) -> Result<(), sqlx::Error> {
    let name = format!("clicks_{day}");
    if partition::is_there(connection, &name).await? {
        return Ok(());
    }
    sqlx::query(AdvisoryLock::TablePartitions.hold())
        .execute(&mut *connection)
        .await?;
    let of_day = day * Day::MICROS..(day + 1) * Day::MICROS;
    partition::make(connection, "clicks", &name, of_day, Readers::GoOn).await
}

impl GroupWrite for ClickWriter {
    type In = NewClick;
    type Out = ClickId;

    async fn write(&self, clicks: Vec<NewClick>) -> Result<Vec<ClickId>, sqlx::Error> {
        match self.insert(&clicks).await {
            Err(error) if is_without_partition(&error) => {
                self.make_partitions().await?;
                self.insert(&clicks).await
            }
            written => written,
        }
    }
}

impl ClickWriter {
    async fn insert(&self, clicks: &[NewClick]) -> Result<Vec<ClickId>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        insert_by(&mut connection, clicks).await
    }

    /// Makes today's and tomorrow's, by the time of the database.
    pub async fn make_partitions(&self) -> Result<(), sqlx::Error> {
        let now = messaging::job::now(&self.pool).await?.0;
        let mut tx = messaging::begin(&self.pool, "BEGIN").await?;
        for day in [now / Day::MICROS, now / Day::MICROS + 1] {
            make_partition(&mut tx, day).await?;
        }
        tx.commit().await
    }
}

async fn insert_by(
    connection: &mut PgConnection,
    clicks: &[NewClick],
) -> Result<Vec<ClickId>, sqlx::Error> {
    let nonces: Vec<String> = clicks.iter().map(|_| click_id::nonce()).collect();
    let ids: Vec<String> = sqlx::query_scalar(INSERT)
        .bind(&nonces)
        .bind(each(clicks, |click| click.code.as_str()))
        .bind(each(clicks, |click| click.link.campaign_id.as_str()))
        .bind(each(clicks, |click| {
            click.user.as_ref().map(|user| user.0.as_slice())
        }))
        .bind(each(clicks, |click| click.sub_ids.as_ref().map(Json)))
        .fetch_all(connection)
        .await?;
    let by_nonce: HashMap<&str, &String> = ids
        .iter()
        .filter_map(|id| Some((id.get(id.len().checked_sub(16)?..)?, id)))
        .collect();
    nonces
        .iter()
        .map(|nonce| by_nonce.get(nonce.as_str()).map(|id| (*id).clone()))
        .map(|id| ClickId::parse(id.unwrap_or_default()).map_err(|_| unreadable("click id")))
        .collect()
}

/// Check violation: no partition for the row.
fn is_without_partition(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("23514"))
}
