//! `payouts`: each with how far it is.

use money::{Currency, Micros, Money, PartnerId, PayoutId, Uuid};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::unreadable;
use crate::domain::{Method, Payout, Status};

/// A payout with its place in the log: the position of its request.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) payout: Payout,
    pub(crate) position: i64,
}

/// Reads a row that has every column of the table.
pub(crate) fn read(row: &PgRow) -> Result<Stored, sqlx::Error> {
    let currency = Currency::parse(row.try_get("currency")?).map_err(unreadable)?;
    let method: &str = row.try_get("method")?;
    let status: &str = row.try_get("status")?;
    let payout = Payout {
        id: PayoutId::parse(row.try_get::<String, _>("id")?).map_err(unreadable)?,
        partner: PartnerId::parse(row.try_get::<String, _>("partner")?).map_err(unreadable)?,
        amount: Money::new(row.try_get("minor")?, currency),
        method: Method::parse(method).ok_or_else(|| unreadable(method))?,
        masked: row.try_get("masked")?,
        status: Status::parse(status).ok_or_else(|| unreadable(status))?,
        attempt: row.try_get("attempt")?,
        first_attempt_at: row
            .try_get::<Option<i64>, _>("first_attempt_at")?
            .map(Micros),
        provider_ref: row.try_get("provider_ref")?,
        reason: row.try_get("reason")?,
        requested_at: Micros(row.try_get("requested_at")?),
        updated_at: Micros(row.try_get("updated_at")?),
        last_event: row.try_get("last_event")?,
    };
    Ok(Stored {
        payout,
        position: row.try_get("position")?,
    })
}

/// Reads those of these payouts that exist.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM payouts WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Writes these payouts as they are now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    stored: &[Stored],
) -> Result<(), sqlx::Error> {
    if stored.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Payout) -> String| -> Vec<String> {
        stored.iter().map(|stored| of(&stored.payout)).collect()
    };
    let numbers = |of: fn(&Stored) -> i64| -> Vec<i64> { stored.iter().map(of).collect() };
    let first_attempts: Vec<Option<i64>> = stored
        .iter()
        .map(|stored| stored.payout.first_attempt_at.map(Micros::get))
        .collect();
    let texts = |of: fn(&Payout) -> Option<String>| -> Vec<Option<String>> {
        stored.iter().map(|stored| of(&stored.payout)).collect()
    };
    let attempts: Vec<i32> = stored.iter().map(|stored| stored.payout.attempt).collect();
    let events: Vec<Uuid> = stored
        .iter()
        .map(|stored| stored.payout.last_event)
        .collect();
    sqlx::query(
        "INSERT INTO payouts (id, position, partner, minor, currency, method, masked, status, attempt, first_attempt_at,
                              provider_ref, reason, requested_at, updated_at, last_event)
         SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::int[], $10::bigint[], $11::text[], $12::text[], $13::bigint[],
                              $14::bigint[], $15::uuid[])
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, attempt = excluded.attempt, first_attempt_at = excluded.first_attempt_at,
                provider_ref = excluded.provider_ref, reason = excluded.reason, updated_at = excluded.updated_at,
                last_event = excluded.last_event",
    )
    .bind(column(|payout| payout.id.to_string()))
    .bind(numbers(|stored| stored.position))
    .bind(column(|payout| payout.partner.to_string()))
    .bind(numbers(|stored| stored.payout.amount.minor))
    .bind(column(|payout| payout.amount.currency.to_string()))
    .bind(column(|payout| payout.method.name().to_owned()))
    .bind(column(|payout| payout.masked.clone()))
    .bind(column(|payout| payout.status.name().to_owned()))
    .bind(attempts)
    .bind(first_attempts)
    .bind(texts(|payout| payout.provider_ref.clone()))
    .bind(texts(|payout| payout.reason.clone()))
    .bind(numbers(|stored| stored.payout.requested_at.get()))
    .bind(numbers(|stored| stored.payout.updated_at.get()))
    .bind(events)
    .execute(connection)
    .await?;
    Ok(())
}

/// One payout.
pub(crate) async fn find(pool: &PgPool, id: &str) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM payouts WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Which payouts a list shows.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) partner: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) below: i64,
    pub(crate) rows: i64,
}

/// Payouts, newest first.
pub(crate) async fn list(pool: &PgPool, filter: Filter<'_>) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM payouts
          WHERE position < $1 AND ($2::text IS NULL OR partner = $2) AND ($3::text IS NULL OR status = $3)
          ORDER BY position DESC LIMIT $4",
    )
    .bind(filter.below)
    .bind(filter.partner)
    .bind(filter.status)
    .bind(filter.rows)
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}
