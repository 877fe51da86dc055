//! The tables of the bff, one file each.

pub(crate) mod balances;
pub(crate) mod bans;
pub(crate) mod campaigns;
pub(crate) mod claims;
pub(crate) mod commands;
pub(crate) mod commissions;
pub(crate) mod conversions;
pub(crate) mod enrollments;
pub(crate) mod evidence;
pub(crate) mod links;
pub(crate) mod outcomes;
pub(crate) mod payouts;
pub(crate) mod sealing_keys;
pub(crate) mod terms;

use std::future::Future;

use messaging::WriteTx;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, QueryBuilder};

/// A table whose rows lists show, newest first.
pub(crate) trait Table: Sized + Send + Unpin + for<'r> FromRow<'r, PgRow> {
    /// Its name.
    const NAME: &'static str;

    /// The row's key.
    fn id(&self) -> &str;

    /// Where it stands in lists; of a new one among those that are written with it.
    fn position(&self) -> i64;

    /// Writes rows; a new one gets the next position, an old one keeps its own and what never changes.
    fn upsert(
        tx: &mut WriteTx,
        rows: &[Self],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Reads those of these that are there.
    fn load(
        tx: &mut WriteTx,
        ids: &[&str],
    ) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send {
        async move {
            let mut sql = QueryBuilder::new("SELECT * FROM ");
            sql.push(Self::NAME).push(" WHERE id = ANY(");
            sql.push_bind(ids).push(")");
            sql.build_query_as().fetch_all(tx.connection()).await
        }
    }
}

/// One column of many rows, as UNNEST takes it.
pub(crate) fn each<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}
