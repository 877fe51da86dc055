//! What a restored log lost and decided again. Followers name the lost message as the cause of what they did; what was
//! decided again from the same cause stands in its place under another epoch, so its id follows from the epoch that was.

use anyhow::Result;
use futures::TryStreamExt;
use sqlx::{Executor, FromRow, PgConnection};
use uuid::Uuid;

use crate::rules::ids::event_id;

/// A message behind the place where its log's epoch was raised.
#[derive(FromRow)]
struct Decided {
    service: String,
    id: Uuid,
    cause: Uuid,
    ordinal: i64,
    last_epoch: i64,
}

const DECIDED: &str = "SELECT m.service, m.id, m.cause, m.ordinal, h.epoch AS last_epoch
   FROM (SELECT *, coalesce(causation_id, correlation_id) AS cause,
                row_number() OVER (PARTITION BY service, causation_id, type = 'command.stalled.v1' ORDER BY position) - 1 AS ordinal
           FROM messages WHERE service IN (SELECT service FROM log_head WHERE epoch > 1) AND service <> 'bff') m
   JOIN log_head h USING (service)
  WHERE m.position > (SELECT min(after_position) FROM epoch e WHERE e.service = m.service AND e.epoch > 1)";

/// `known`: every message under its id, and under the ids of what it stands for. `restored()`: to be said of what is
/// nowhere, when a log was restored.
pub(super) async fn known(into: &mut PgConnection) -> Result<()> {
    into.execute(
        "CREATE TABLE decided_again (lost uuid, id uuid);
         CREATE VIEW known AS SELECT id AS known_as, messages.* FROM messages
             UNION ALL SELECT d.lost, m.* FROM decided_again d JOIN messages m ON m.id = d.id;
         CREATE FUNCTION restored() RETURNS text STABLE LANGUAGE sql AS $$
             SELECT coalesce(' (perhaps lost when ' || string_agg(service, ', ' ORDER BY service) || ' was restored)', '')
               FROM log_head WHERE epoch > 1 $$",
    )
    .await?;
    let (mut lost, mut instead) = (Vec::new(), Vec::new());
    {
        let mut rows = sqlx::query_as::<_, Decided>(DECIDED).fetch(&mut *into);
        while let Some(row) = rows.try_next().await? {
            for epoch in 1..=row.last_epoch {
                lost.push(event_id(&row.service, epoch, row.cause, row.ordinal));
                instead.push(row.id);
            }
        }
    }
    sqlx::query(
        "INSERT INTO decided_again SELECT * FROM UNNEST($1::uuid[], $2::uuid[]) AS d (lost, id)
          WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = d.lost)",
    )
    .bind(lost)
    .bind(instead)
    .execute(&mut *into)
    .await?;
    into.execute("CREATE INDEX ON decided_again (lost)").await?;
    Ok(())
}
