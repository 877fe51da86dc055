//! `billing`: when brands pay and below which amount they are warned, of those of which either was set, and how much waits for
//! their funds.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row as _};
use types::{Billing, BrandId, Currency};

use super::unreadable;
use crate::domain::Terms;

/// A row to write, with the position of the last event that changed it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) brand: BrandId,
    pub(crate) currency: Currency,
    pub(crate) stated: Option<Terms>,
    pub(crate) waiting: i64,
    pub(crate) warning: Option<i64>,
    pub(crate) position: i64,
}

/// Terms from their columns.
pub(super) fn terms(billing: &str, credit_limit: Option<i64>) -> Result<Terms, sqlx::Error> {
    Ok(Terms {
        billing: Billing::parse(billing).ok_or_else(|| unreadable(billing))?,
        credit_limit,
    })
}

/// Writes rows as they stand now.
pub(crate) async fn save(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "billing" {
        brand: text = |row| row.brand.as_str(),
        currency: text = |row| row.currency.code(),
        billing: text = |row| row.stated.map(|terms| terms.billing.name()),
        credit_limit: bigint = |row| row.stated.and_then(|terms| terms.credit_limit),
        waiting: bigint = |row| row.waiting,
        funds_warning: bigint = |row| row.warning,
        position: bigint = |row| row.position,
    } on (brand, currency) set (billing, credit_limit, waiting, funds_warning, position))
    .await
}

/// A row as a list shows it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) brand: String,
    pub(crate) currency: Currency,
    pub(crate) terms: Terms,
    pub(crate) waiting: i64,
    pub(crate) warning: Option<i64>,
    pub(crate) funds: i64,
    pub(crate) position: i64,
}

impl FromRow<'_, PgRow> for Listed {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            brand: row.try_get("brand")?,
            currency: Currency::parse(row.try_get("currency")?).map_err(unreadable)?,
            terms: match row.try_get("billing")? {
                Some(billing) => terms(billing, row.try_get("credit_limit")?)?,
                None => Terms::where_not_stated(row.try_get("is_limited")?),
            },
            waiting: row.try_get("waiting")?,
            warning: row.try_get("funds_warning")?,
            funds: row.try_get("funds")?,
            position: row.try_get("position")?,
        })
    }
}

/// What is so of all currencies of the brand `b`: whether it has a limit in any, and where in the log any last changed.
macro_rules! in_any_currency {
    () => {
        " CROSS JOIN LATERAL (SELECT max(position) AS position, bool_or(billing = 'prepaid' OR credit_limit IS NOT NULL) IS TRUE AS is_limited
                                FROM billing o WHERE o.brand = b.brand) o"
    };
}

/// When brands pay, the last changed first: this one's, or of all those of which anything was set or for whose funds something waits.
pub(crate) async fn list(
    pool: &PgPool,
    brand: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT b.*, o.is_limited, coalesce(f.minor, 0) AS funds FROM billing b",
        in_any_currency!(),
        " LEFT JOIN balances f ON f.account = 'brand:' || b.brand || ':funds' AND f.currency = b.currency
          WHERE b.position < $1 AND ($2::text IS NULL OR b.brand = $2)
            AND (b.billing IS NOT NULL OR b.funds_warning IS NOT NULL OR b.waiting <> 0) ORDER BY b.position DESC LIMIT $3",
    ))
    .bind(below)
    .bind(brand)
    .bind(rows)
    .fetch_all(pool)
    .await
}

/// A brand whose funds cover the first commission that waits for them.
#[derive(Debug, FromRow)]
pub(crate) struct Covered {
    pub(crate) brand: String,
    pub(crate) currency: String,
    /// Where in the log its funds, its billing in any currency or what waits last changed.
    pub(crate) since: i64,
}

/// The brands whose funds cover what waits for them, behind so many of them. Not those of which the command for that, of this `kind`, is in the
/// retry queue: whatever changes meanwhile makes it another one, and all of them would be kept there.
pub(crate) async fn covered(
    pool: &PgPool,
    kind: &str,
    passed: i64,
    limit: i64,
) -> Result<Vec<Covered>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT b.brand, b.currency, greatest(o.position, f.position) AS since FROM billing b",
        in_any_currency!(),
        " LEFT JOIN balances f ON f.account = 'brand:' || b.brand || ':funds' AND f.currency = b.currency
          CROSS JOIN LATERAL (SELECT minor FROM waiting w WHERE w.brand = b.brand AND w.currency = b.currency
                               ORDER BY position LIMIT 1) w
          WHERE b.waiting > 0
            AND (b.billing = 'postpaid' AND b.credit_limit IS NULL OR b.billing IS NULL AND NOT o.is_limited
                 OR coalesce(f.minor, 0) - w.minor >= -coalesce(b.credit_limit, 0))
            AND NOT EXISTS (SELECT FROM pipeline.parked p
                             WHERE p.subject = b.brand AND p.header::json ->> 'type' = $3)
          ORDER BY b.brand, b.currency OFFSET $1 LIMIT $2",
    ))
    .bind(passed)
    .bind(limit)
    .bind(kind)
    .fetch_all(pool)
    .await
}
