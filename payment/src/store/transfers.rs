//! `transfers`: every movement of money, appended and never changed.

use money::{Micros, Uuid};
use sqlx::PgConnection;

use crate::domain::Transfer;

/// Columns of transfers to append.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    positions: Vec<i64>,
    ordinals: Vec<i32>,
    ids: Vec<Uuid>,
    debits: Vec<String>,
    credits: Vec<String>,
    minors: Vec<i64>,
    currencies: Vec<&'static str>,
    times: Vec<i64>,
}

impl Rows {
    /// Adds the transfers of the event at `position`.
    pub(crate) fn push(&mut self, position: i64, at: Micros, transfers: &[Transfer]) {
        for (ordinal, transfer) in (0..).zip(transfers) {
            self.positions.push(position);
            self.ordinals.push(ordinal);
            self.ids.push(transfer.id);
            self.debits.push(transfer.debit.to_string());
            self.credits.push(transfer.credit.to_string());
            self.minors.push(transfer.money.minor);
            self.currencies.push(transfer.money.currency.code());
            self.times.push(at.get());
        }
    }

    pub(crate) async fn save(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.positions.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO transfers (position, ordinal, id, debit, credit, minor, currency, posted_at)
             SELECT * FROM UNNEST($1::bigint[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                                  $7::text[], $8::bigint[])",
        )
        .bind(self.positions)
        .bind(self.ordinals)
        .bind(self.ids)
        .bind(self.debits)
        .bind(self.credits)
        .bind(self.minors)
        .bind(self.currencies)
        .bind(self.times)
        .execute(connection)
        .await?;
        Ok(())
    }
}
