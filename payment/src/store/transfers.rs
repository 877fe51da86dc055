//! `transfers`: every movement of money, appended and never changed.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use messaging::archive;
use messaging::log::LogRow;
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use types::Micros;
use uuid::Uuid;

use crate::domain::Transfer;

/// A transfer to append, with its place in the event that moved it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) ordinal: i32,
    pub(crate) transfer: Transfer,
    pub(crate) at: Micros,
}

/// Appends transfers.
pub(crate) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "transfers" {
        position: bigint = |row| row.position,
        ordinal: int = |row| row.ordinal,
        id: uuid = |row| row.transfer.id,
        debit: text = |row| row.transfer.debit.to_string(),
        credit: text = |row| row.transfer.credit.to_string(),
        minor: bigint = |row| row.transfer.money.minor,
        currency: text = |row| row.transfer.money.currency.code(),
        posted_at: bigint = |row| row.at.get(),
    })
    .await
}

/// A transfer as its account's list shows it, with the event that moved it.
#[derive(Debug, FromRow)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) ordinal: i32,
    pub(crate) id: Uuid,
    pub(crate) debit: String,
    pub(crate) credit: String,
    pub(crate) minor: i64,
    pub(crate) currency: String,
    pub(crate) posted_at: i64,
    pub(crate) r#type: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) correlation_id: Option<Uuid>,
}

/// So many transfers can one event state, and more: a place in a list is the event's times this, and the transfer's own.
pub(crate) const PLACES: i64 = 1_024;
/// Blocks of the archive's files that are unpacked for one page: any partner or brand asks for one.
const BLOCKS: usize = 8;
/// Pages for which files are read at once: a folder that hangs keeps no more threads than this.
static READING: Semaphore = Semaphore::const_new(2);
/// So long a page waits for its turn, and for its files.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// So long after it was logged that a file cannot be read it is logged again.
const LOGGED_AGAIN: Duration = Duration::from_mins(1);
static LOGGED: Mutex<Option<Instant>> = Mutex::new(None);

/// What moved in an account, newest first, without the events that left the log's table: see [`complete`].
pub(crate) async fn of_account(
    executor: impl PgExecutor<'_>,
    account: &str,
    currency: &str,
    below: i64,
    rows: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.*, l.type, l.subject, l.correlation_id
           FROM ((SELECT * FROM transfers WHERE debit = $1 AND currency = $2 AND (position, ordinal) < ($3, $4)
                   ORDER BY position DESC, ordinal DESC LIMIT $5)
                 UNION ALL
                 (SELECT * FROM transfers WHERE credit = $1 AND currency = $2 AND (position, ordinal) < ($3, $4)
                   ORDER BY position DESC, ordinal DESC LIMIT $5)) t
           LEFT JOIN pipeline.message_log l ON l.position = t.position
          ORDER BY t.position DESC, t.ordinal DESC LIMIT $5",
    )
    .bind(account)
    .bind(currency)
    .bind(below.div_euclid(PLACES))
    .bind(below.rem_euclid(PLACES))
    .bind(rows)
    .fetch_all(executor)
    .await
}

/// Gives a list's entries the events that stand in the archive's files alone, as far as some blocks have them: entries may stand far
/// apart, and what moved is known without.
pub(crate) async fn complete(pool: &PgPool, entries: &mut [Entry]) -> Result<(), sqlx::Error> {
    let missing = entries.iter().filter(|it| it.r#type.is_none());
    let missing: Vec<i64> = missing.map(|it| it.position).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Ok(Ok(turn)) = timeout(READ_WITHIN, READING.acquire()).await else {
        log_unread(&"others wait for one");
        return Ok(());
    };
    let reading = archive::pick(pool, missing, BLOCKS, turn);
    let Ok(picked) = timeout(READ_WITHIN, reading).await else {
        log_unread(&"it does not answer");
        return Ok(());
    };
    let picked = picked?;
    if let Some(error) = picked.failed {
        log_unread(&error);
    }
    let read = picked.rows.into_iter().map(|row| (row.position, row));
    let read: HashMap<i64, LogRow> = read.collect();
    for entry in entries.iter_mut().filter(|it| it.r#type.is_none()) {
        if let Some(event) = read.get(&entry.position) {
            entry.r#type = Some(event.kind.clone());
            entry.subject = Some(event.subject.clone());
            entry.correlation_id = Some(event.correlation_id);
        }
    }
    Ok(())
}

fn log_unread(error: &dyn Display) {
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.is_none_or(|at| at.elapsed() >= LOGGED_AGAIN) {
        *logged = Some(Instant::now());
        tracing::warn!(%error, "a file of the archive cannot be read: lists do not show what old entries are about");
    }
}

/// Where in the log a moment is: every transfer before it stands before this position, and no other. By halves, as time never decreases
/// along the log.
pub(crate) async fn position_at(pool: &PgPool, moment: Micros) -> Result<i64, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(position) FROM transfers")
        .fetch_one(pool)
        .await?;
    let (mut low, mut high) = (0, last.unwrap_or_default().saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let next: Option<(i64, i64)> = sqlx::query_as(
            "SELECT position, posted_at FROM transfers WHERE position >= $1 ORDER BY position LIMIT 1",
        )
        .bind(middle)
        .fetch_optional(pool)
        .await?;
        match next {
            Some((position, posted_at)) if posted_at < moment.get() => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read, unmade_database, variables};
    use types::PartnerId;

    use super::*;
    use crate::store::statements;

    #[tokio::test]
    async fn of_an_account_with_very_many_transfers_those_in_a_rare_currency_are_read_alone() {
        let mut variables = variables(schemas::Service::Payment, &unmade_database());
        let data_key = "a data key for tests only, of more than 32 bytes";
        variables.insert("PAYMENT_DATA_KEY".to_owned(), data_key.to_owned());
        let service = TestService::start_with(crate::define, variables).await;
        sqlx::raw_sql(
            "INSERT INTO transfers (position, ordinal, id, debit, credit, minor, currency, posted_at)
             SELECT n, 0, gen_random_uuid(), 'brand:brand1:funds', 'partner:partner1:payable', 1, CASE n WHEN 1 THEN 'EUR' ELSE 'USD' END, n
               FROM generate_series(1, 20000) n;
             INSERT INTO balances (account, currency, minor, position)
             SELECT 'partner:partner1:payable', currency, 1, 1 FROM UNNEST(ARRAY['EUR', 'USD']) currency;
             ANALYZE transfers, balances",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for account in ["brand:brand1:funds", "partner:partner1:payable"] {
            let found = of_account(&mut *tx, account, "EUR", i64::MAX, 50).await;
            assert_eq!(found.unwrap().len(), 1, "{account}");
        }
        let counted = (PartnerId::parse("partner1").unwrap(), 10_000);
        let stated = statements::stated(&mut tx, &[counted]).await.unwrap();
        assert_eq!(stated[0].1.next_at, Some(Micros(10_001)));
        let read = rows_read(&mut tx, "transfers").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
