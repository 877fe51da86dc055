//! `transfers`: every movement of money, appended and never changed.

use sqlx::{FromRow, PgConnection, PgPool};
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

/// A transfer as its account's list shows it, with the event that moved it while the log has that.
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

/// What moved in an account, newest first.
pub(crate) async fn of_account(
    pool: &PgPool,
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
    .fetch_all(pool)
    .await
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
