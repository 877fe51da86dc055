//! `payouts`: each with how far it is.

use chassis::page::PageQuery;
use runtime::lists;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, QueryBuilder, Row};
use types::{Currency, Micros, Money, PartnerId, PayoutId};

use super::unreadable;
use crate::domain::{Method, Payout, Status};

/// Those payouts, of the table `p`, that are not final: the condition of the index `payouts_under_way`, word by word.
macro_rules! is_under_way {
    () => {
        "p.status NOT IN ('paid', 'failed')"
    };
}
pub(crate) use is_under_way;

/// Each status that is not final, as `s.status`, with its payouts as `p`.
macro_rules! by_status_under_way {
    () => {
        concat!(
            "FROM unnest(ARRAY['requested', 'submitting', 'submitted', 'unknown']) s(status)
               LEFT JOIN payouts p ON p.status = s.status AND ",
            crate::store::payouts::is_under_way!(),
            " GROUP BY s.status"
        )
    };
}
pub(crate) use by_status_under_way;

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
    messaging::insert_rows!(connection, stored => "payouts" {
        id: text = |stored| stored.payout.id.as_str(),
        position: bigint = |stored| stored.position,
        partner: text = |stored| stored.payout.partner.as_str(),
        minor: bigint = |stored| stored.payout.amount.minor,
        currency: text = |stored| stored.payout.amount.currency.code(),
        method: text = |stored| stored.payout.method.name(),
        masked: text = |stored| stored.payout.masked.as_str(),
        status: text = |stored| stored.payout.status.name(),
        attempt: int = |stored| stored.payout.attempt,
        first_attempt_at: bigint = |stored| stored.payout.first_attempt_at.map(Micros::get),
        provider_ref: text = |stored| stored.payout.provider_ref.as_deref(),
        reason: text = |stored| stored.payout.reason.as_deref(),
        requested_at: bigint = |stored| stored.payout.requested_at.get(),
        updated_at: bigint = |stored| stored.payout.updated_at.get(),
        last_event: uuid = |stored| stored.payout.last_event,
    } on (id) set (status, attempt, first_attempt_at, provider_ref, reason, updated_at, last_event))
    .await
}

/// One payout.
pub(crate) async fn find(pool: &PgPool, id: &str) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM payouts WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A page of payouts, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    partner: Option<&PartnerId>,
    status: Option<Status>,
    page: PageQuery,
) -> Result<Vec<Stored>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    let in_status = lists::in_state("status", status.map(Status::name));
    let narrowing = [("partner", partner.map(PartnerId::as_str))];
    let all = ("SELECT * FROM payouts", "position");
    lists::push_page(&mut sql, all, page, in_status, &narrowing);
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use crate::domain::{Next, Status, Transitions};

    #[test]
    fn the_statements_call_final_what_the_transitions_call_final() {
        let quoted = |is_final| {
            let statuses = Status::ALL
                .into_iter()
                .filter(|it| (Transitions::of(*it).next == Next::Nothing) == is_final);
            let names: Vec<String> = statuses.map(|it| format!("'{}'", it.name())).collect();
            names.join(", ")
        };
        assert!(is_under_way!().ends_with(&format!("NOT IN ({})", quoted(true))));
        assert!(by_status_under_way!().contains(&format!("ARRAY[{}]", quoted(false))));
    }
}
