//! Transactions that nobody need wait for to the end.

use sqlx::{PgPool, Postgres, Transaction};

/// Begins a transaction by this statement, such as `BEGIN READ ONLY`.
///
/// `Pool::begin` must not be given up while it waits: `BEGIN` is sent then, the client does not know yet that it is in a transaction, and its
/// connection goes back to the pool within one, where others read an old state, write nothing that stays, or are refused. A request whose
/// client has gone and a relay that has lost its lock do give up. Here the transaction is begun all the same, and then rolled back.
///
/// # Errors
///
/// The database's.
pub async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with its statement, and what it holds goes back to the pool"
    )]
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun
        .await
        .map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?
}
