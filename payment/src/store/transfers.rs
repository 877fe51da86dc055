//! `transfers`: every movement of money, appended and never changed.

use sqlx::PgConnection;
use types::Micros;

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
