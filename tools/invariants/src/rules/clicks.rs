//! Clicks that visitors were sent on with. They are in no log, only in tracking's table, and in what is summed of it.

use anyhow::{Context, Result};
use schemas::Service;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::evidence::{SHOWN, Tally};
use crate::{Finding, Journal, Records};

/// A click's id says when it was, so that each is found in its day's partition by the key. One that was made while the
/// database was away (`cls_`) stands for itself and has no row.
const MISSING: &str = "SELECT t.id FROM UNNEST($1::text[]) AS t (id)
  WHERE t.id LIKE 'clk\\_%'
    AND NOT EXISTS (SELECT 1 FROM clicks c WHERE c.id = t.id
                       AND c.clicked_at = ('x' || lpad(substr(t.id, 5, 14), 16, '0'))::bit(64)::bigint)";

/// Quarters of an hour against the clicks, from the first day on of which there are some; days against their quarters; campaigns against
/// their links.
const SUMMED_WRONGLY: &str =
    "WITH counted AS (
      SELECT link_code, clicked_at / 900000000 AS slot, count(*) AS clicks FROM clicks
       WHERE clicked_at < (SELECT summed_to FROM click_horizon) GROUP BY 1, 2),
  quarters AS (SELECT * FROM link_clicks WHERE quarters = 1)
  SELECT format('link %s, quarter %s: %s are summed of %s', link_code, slot, coalesce(s.clicks, 0), coalesce(c.clicks, 0))
    FROM (SELECT * FROM quarters WHERE slot >= (SELECT min(clicked_at) / 86400000000 * 96 FROM clicks)) s
    FULL JOIN counted c USING (link_code, slot) WHERE s.clicks IS DISTINCT FROM c.clicks
   UNION ALL
  SELECT format('link %s, day %s: %s, and %s in its quarters of an hour', link_code, slot, coalesce(d.clicks, 0), coalesce(q.clicks, 0))
    FROM (SELECT link_code, slot / 96 AS slot, sum(clicks)::bigint AS clicks FROM quarters GROUP BY 1, 2) q
    FULL JOIN (SELECT * FROM link_clicks WHERE quarters = 96) d USING (link_code, slot) WHERE d.clicks IS DISTINCT FROM q.clicks
   UNION ALL
  SELECT format('campaign %s, %s quarters from %s: %s, and %s of its links', campaign_id, quarters, slot, coalesce(c.clicks, 0),
                coalesce(l.clicks, 0))
    FROM (SELECT l.campaign_id, s.quarters, s.slot, sum(s.clicks)::bigint AS clicks
            FROM link_clicks s JOIN links l ON l.code = s.link_code GROUP BY 1, 2, 3) l
    FULL JOIN campaign_clicks c USING (campaign_id, quarters, slot) WHERE c.clicks IS DISTINCT FROM l.clicks";

/// Conversions whose clicks are there still: `cls_` stands for itself, and days of clicks are dropped.
macro_rules! clicked {
    ($select:literal, $and:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM conversions v JOIN clicks c ON c.id = v.click_id
                 AND c.clicked_at = ('x' || lpad(substr(v.click_id, 5, 14), 16, '0'))::bit(64)::bigint
               WHERE v.standing = 'attributed' AND v.click_id LIKE 'clk\\_%'",
            $and
        )
    };
}

const CLICKED: &str = clicked!("count(*)", "");

const BY_ANOTHER_LINK: &str = clicked!(
    "format('%s is by %s at %s, and its click %s is of %s at %s', v.id, v.link_code, v.campaign_id, v.click_id, c.link_code, c.campaign_id)",
    " AND (c.link_code, c.campaign_id) IS DISTINCT FROM (v.link_code, v.campaign_id)"
);

pub(super) async fn clicks(records: &Records, journal: &Journal) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        2,
        "no click is missing whose visitor was sent on with its id",
    );
    let mut tracking = open(records).await?;
    for some in journal.clicks.chunks(10_000) {
        let missing: Vec<String> = sqlx::query_scalar(MISSING)
            .bind(some)
            .fetch_all(&mut tracking)
            .await?;
        let wrong = i64::try_from(missing.len())?;
        tally.counted(i64::try_from(some.len())?, wrong, missing.into_iter());
    }
    tracking.close().await?;
    Ok(vec![tally.finding()])
}

pub(super) async fn links(records: &Records) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(9, "every conversion is by the link of its click");
    let mut tracking = open(records).await?;
    let (wrong, wrongly) = counted(BY_ANOTHER_LINK, &mut tracking).await?;
    let rows = sqlx::query_scalar(CLICKED).fetch_one(&mut tracking).await?;
    tally.counted(rows, wrong, wrongly.into_iter());
    tracking.close().await?;
    Ok(vec![tally.finding()])
}

pub(super) async fn sums(records: &Records) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(9, "what is summed of clicks already is what they come to");
    let mut tracking = open(records).await?;
    let (wrong, wrongly) = counted(SUMMED_WRONGLY, &mut tracking).await?;
    let rows = sqlx::query_scalar("SELECT count(*) FROM link_clicks WHERE quarters = 1")
        .fetch_one(&mut tracking)
        .await?;
    tally.counted(rows, wrong, wrongly.into_iter());
    tracking.close().await?;
    Ok(vec![tally.finding()])
}

/// How many rows are wrong, and the first of them: there may be very many.
async fn counted(wrongly: &str, tracking: &mut PgConnection) -> Result<(i64, Vec<String>)> {
    let sql = format!(
        "WITH broken (evidence) AS ({wrongly})
         SELECT (SELECT count(*) FROM broken), ARRAY(SELECT evidence FROM broken LIMIT {SHOWN})"
    );
    let counted = sqlx::query_as(AssertSqlSafe(sql));
    Ok(counted.fetch_one(tracking).await?)
}

async fn open(records: &Records) -> Result<PgConnection> {
    let url = records.databases.get(&Service::Tracking);
    let url = url.context("no database of tracking")?;
    Ok(PgConnection::connect(url).await?)
}
