//! Which database this is: a copy that was restored elsewhere, or to an earlier time, is another one.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Connection, PgConnection};

/// Why a service's transports are closed: its database is another one than its log was written in.
#[derive(Clone, Default)]
pub struct Guard(Arc<Mutex<Option<String>>>);

impl Guard {
    /// `None` while all is well.
    pub fn reason(&self) -> Option<String> {
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone()
    }

    /// An operator said that the log goes on in this database.
    pub fn recognised(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Lets nobody write to a database, nor read it, that is not recognised: to its service it is away.
    pub async fn check(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let reason = recognise(connection).await?;
        let refused = match &reason {
            None => Ok(()),
            Some(reason) => Err(sqlx::Error::Configuration(reason.clone().into())),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        refused
    }
}

/// The server's own number, the database's, and the server's timeline, which a recovery to a point in time or a promoted
/// standby begins anew.
async fn current(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let database = "(SELECT oid FROM pg_database WHERE datname = current_database())::text";
    // Some hosts do not let these be asked; the database's own number is left then.
    let whole = format!(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || {database}
              || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
    );
    let mut tx = connection.begin().await?;
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(whole))
        .fetch_one(&mut *tx)
        .await;
    tx.rollback().await?;
    match found {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            let alone = format!("SELECT '-/' || {database} || '/-'");
            sqlx::query_scalar(sqlx::AssertSqlSafe(alone))
                .fetch_one(connection)
                .await
        }
        found => found,
    }
}

/// Whether this is the database that the log was written in: the reason why not, and what to do. A database that never
/// noted which it is does so now.
async fn recognise(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let now = current(connection).await?;
    let noted: Option<String> = sqlx::query_scalar("SELECT identity FROM pipeline.service_state")
        .fetch_one(&mut *connection)
        .await?;
    match noted {
        None => {
            sqlx::query("UPDATE pipeline.service_state SET identity = $1 WHERE identity IS NULL")
                .bind(now)
                .execute(connection)
                .await?;
            Ok(None)
        }
        Some(noted) if noted == now => Ok(None),
        Some(noted) => Ok(Some(format!(
            "this database is a copy ({now}) of the one that the log was written in ({noted}): follow docs/runbooks/restore.md \
             (tributary epoch raise, or tributary epoch keep when nothing was lost)"
        ))),
    }
}

/// Notes that the log goes on in this database. In the transaction of the act that says so.
pub async fn note(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let now = current(connection).await?;
    sqlx::query("UPDATE pipeline.service_state SET identity = $1")
        .bind(&now)
        .execute(connection)
        .await?;
    Ok(now)
}
