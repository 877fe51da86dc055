//! Clicks that visitors were sent on with. They are in no log, only in tracking's table.

use anyhow::{Context, Result};
use schemas::Service;
use sqlx::{Connection, PgConnection};

use crate::evidence::Tally;
use crate::{Finding, Journal, Records};

/// A click's id says when it was, so that each is found in its day's partition by the key. One that was made while the
/// database was away (`cls_`) stands for itself and has no row.
const MISSING: &str = "SELECT t.id FROM UNNEST($1::text[]) AS t (id)
  WHERE t.id LIKE 'clk\\_%'
    AND NOT EXISTS (SELECT 1 FROM clicks c WHERE c.id = t.id
                       AND c.clicked_at = ('x' || lpad(substr(t.id, 5, 14), 16, '0'))::bit(64)::bigint)";

pub(super) async fn clicks(records: &Records, journal: &Journal) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        2,
        "no click is missing whose visitor was sent on with its id",
    );
    if journal.clicks.is_empty() {
        return Ok(vec![tally.finding()]);
    }
    let url = records
        .databases
        .get(&Service::Tracking)
        .context("no database of tracking")?;
    let mut tracking = PgConnection::connect(url).await?;
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
