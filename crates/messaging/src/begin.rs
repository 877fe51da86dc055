//! Transactions that nobody need wait for to the end.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{Either, PgPool, Postgres, Transaction};
use tokio::time::timeout;

use crate::locks::AdvisoryLock;
use crate::sqlstate;

/// What the database does not answer for so long it does not answer any more. A server that lives ends each statement after 30 s and each transaction (17 and
/// later) after 40 s, and says so.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Whoever waited in vain for so long no longer uses the connections that there are: no error tells of a host that lost its power once it has taken what
/// was sent, and another may be behind its address by now.
pub(crate) fn unanswered(patience: Duration) -> sqlx::Error {
    sqlstate::outdate_connections();
    let reason = format!("no answer in {patience:?}");
    sqlx::Error::Io(Error::new(ErrorKind::TimedOut, reason))
}

/// What this comes to, unless the database does not answer within a minute: then its connection is used no more.
///
/// # Errors
///
/// The database's, or that it does not answer.
pub async fn answered<T, E: From<sqlx::Error>>(
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    answered_within(PATIENCE, step).await
}

/// The same within another time.
///
/// # Errors
///
/// The database's, or that it does not answer.
pub async fn answered_within<T, E: From<sqlx::Error>>(
    patience: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let done = timeout(patience, step).await;
    done.unwrap_or_else(|_| Err(unanswered(patience).into()))
}

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
    let (tx, _) = begun(pool, statement, None).await?;
    Ok(tx)
}

/// Begins a transaction, waits for this lock in it, and reads the row of the log's head as it is then.
///
/// The lock is no part of the statement that begins: where that fails half way, as when it waited for too long, its connection would go
/// back to the pool within a transaction that is aborted, and refuse whoever takes it next.
///
/// # Errors
///
/// The database's.
pub async fn begin_with_lock(
    pool: &PgPool,
    statement: &'static str,
    lock: AdvisoryLock,
) -> Result<(Transaction<'static, Postgres>, PgRow), sqlx::Error> {
    let (tx, head) = begun(pool, statement, Some(lock.hold_and_look())).await?;
    Ok((tx, head.ok_or(sqlx::Error::RowNotFound)?))
}

/// The transaction, and the last row of what was asked for in it.
async fn begun(
    pool: &PgPool,
    statement: &'static str,
    then: Option<&'static str>,
) -> Result<(Transaction<'static, Postgres>, Option<PgRow>), sqlx::Error> {
    let pool = pool.clone();
    let task = async move {
        #[expect(
            clippy::disallowed_methods,
            reason = "nobody gives up this task before its connection is used no more"
        )]
        let mut tx = pool.begin_with(statement).await?;
        let mut last = None;
        if let Some(then) = then {
            let mut answers = sqlx::raw_sql(then).fetch_many(&mut *tx);
            while let Some(answer) = answers.try_next().await? {
                if let Either::Right(row) = answer {
                    last = Some(row);
                }
            }
        }
        Ok((tx, last))
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with its statements, and what it holds goes back to the pool"
    )]
    let begun = tokio::spawn(answered(task));
    begun
        .await
        .map_err(|error| sqlx::Error::Io(Error::other(error)))?
}
