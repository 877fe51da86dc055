//! What a restored log lost and decided again. Followers name the lost message as the cause of what they did; what was
//! decided again from the same cause stands in its place under another epoch, so its id follows from the epoch that was.

use anyhow::Result;
use sqlx::{AssertSqlSafe, Executor, FromRow, PgConnection};
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

/// So many are held at once: a log may go on for long after a restore.
const CHUNK: usize = 10_000;

/// `known`: every message under its id, and under the ids of what it stands for. `restored()`: to be said of what is
/// nowhere, when a log was restored.
pub(super) async fn known(into: &mut PgConnection) -> Result<()> {
    decided_again(into, CHUNK).await?;
    into.execute(
        "CREATE VIEW known AS SELECT id AS known_as, messages.* FROM messages
             UNION ALL SELECT d.lost, m.* FROM decided_again d JOIN messages m ON m.id = d.id;
         CREATE FUNCTION restored() RETURNS text STABLE LANGUAGE sql AS $$
             SELECT coalesce(' (perhaps lost when ' || string_agg(service, ', ' ORDER BY service) || ' was restored)', '')
               FROM log_head WHERE epoch > 1 $$",
    )
    .await?;
    Ok(())
}

/// The messages that were decided again, under each id that they may have had, so many at once.
async fn decided_again(into: &mut PgConnection, chunk: usize) -> Result<()> {
    let begin = format!(
        "CREATE TABLE decided_again (lost uuid, id uuid); DECLARE decided NO SCROLL CURSOR FOR {DECIDED}"
    );
    into.execute(AssertSqlSafe(begin)).await?;
    let next = format!("FETCH {chunk} FROM decided");
    let (mut lost, mut instead) = (Vec::new(), Vec::new());
    loop {
        let next = sqlx::query_as::<_, Decided>(AssertSqlSafe(next.clone()));
        let rows = next.persistent(false).fetch_all(&mut *into).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            for epoch in 1..=row.last_epoch {
                let id = event_id(&row.service, epoch, row.cause, row.ordinal);
                if id != row.id {
                    lost.push(id);
                    instead.push(row.id);
                }
                if lost.len() >= chunk {
                    insert(into, &mut lost, &mut instead).await?;
                }
            }
        }
    }
    insert(into, &mut lost, &mut instead).await?;
    // What is there was not lost.
    into.execute(
        "CLOSE decided; DELETE FROM decided_again d USING messages m WHERE m.id = d.lost;
         CREATE INDEX ON decided_again (lost)",
    )
    .await?;
    Ok(())
}

async fn insert(
    into: &mut PgConnection,
    lost: &mut Vec<Uuid>,
    instead: &mut Vec<Uuid>,
) -> Result<()> {
    sqlx::query("INSERT INTO decided_again SELECT * FROM UNNEST($1::uuid[], $2::uuid[])")
        .bind(&*lost)
        .bind(&*instead)
        .execute(into)
        .await?;
    lost.clear();
    instead.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use devstack::stack::testing::{DATABASE_ADMIN_URL, from_test_run};

    use super::*;
    use crate::scratch::Scratch;

    /// A log that was restored twice, behind its fifth message at first.
    const RECORDS: &str = "BEGIN;
        CREATE TABLE log_head (service text, epoch bigint);
        CREATE TABLE epoch (service text, epoch bigint, after_position bigint);
        CREATE TABLE messages (service text, position bigint, id uuid, type text, causation_id uuid, correlation_id uuid);
        INSERT INTO log_head VALUES ('payment', 3), ('campaign', 1);
        INSERT INTO epoch VALUES ('payment', 1, 0), ('payment', 2, 5), ('payment', 3, 12);
        INSERT INTO messages
            SELECT s, n, md5(s || n)::uuid, 'ledger.posted.v1', md5('cause' || n / 2)::uuid, md5('request')::uuid
              FROM unnest(ARRAY['payment', 'campaign']) s, generate_series(1, 20) n";

    #[tokio::test]
    async fn what_was_decided_again_is_the_same_however_much_is_read_at_once() {
        let server = from_test_run(DATABASE_ADMIN_URL);
        let mut scratch = Scratch::make(&server).await.unwrap();
        let mut found = Vec::new();
        for chunk in [1, 7, CHUNK] {
            scratch.clear().await.unwrap();
            let records = &mut scratch.connection;
            records.execute(RECORDS).await.unwrap();
            // The last one is the first that its cause had in the third life.
            let last =
                "SELECT causation_id FROM messages WHERE service = 'payment' AND position = 20";
            let cause: Uuid = sqlx::query_scalar(last)
                .fetch_one(&mut *records)
                .await
                .unwrap();
            sqlx::query("UPDATE messages SET id = $1 WHERE service = 'payment' AND position = 20")
                .bind(event_id("payment", 3, cause, 0))
                .execute(&mut *records)
                .await
                .unwrap();
            decided_again(records, chunk).await.unwrap();
            let rows: Vec<(Uuid, Uuid)> =
                sqlx::query_as("SELECT lost, id FROM decided_again ORDER BY lost, id")
                    .fetch_all(&mut *records)
                    .await
                    .unwrap();
            records.execute("COMMIT").await.unwrap();
            found.push(rows);
        }
        scratch.remove().await.unwrap();
        assert_eq!(found[0].len(), 15 * 3 - 1);
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], found[2]);
    }
}
