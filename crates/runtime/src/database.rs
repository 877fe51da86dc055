//! The service's own database: connecting, checking its promises, migrating.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, bail};
use messaging::identity::Guard;
use messaging::tls::Refusal;
use messaging::{Backoff, is_locked};
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::{Instant, timeout};

/// A migration that waits for a lock lets go of its place for so long, at first and at most: whoever came behind it goes on.
const LOCK_PAUSE_FIRST: Duration = Duration::from_secs(1);
const LOCK_PAUSE_MAX: Duration = Duration::from_secs(10);

/// A start waits for its database for so long.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// The same of one try: a host that is silent is tried again, since another may have taken its address over.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_PAUSE: Duration = Duration::from_millis(500);
/// While it waits, it says so this often.
const WARN_EVERY: Duration = Duration::from_secs(5);

/// Connects lazily: a database that is away at the start is waited for by whoever needs it.
pub(crate) fn pool(
    options: &PgConnectOptions,
    session_name: &str,
    connections: u32,
    guard: Option<Guard>,
) -> PgPool {
    let options = options
        .clone()
        .application_name(session_name)
        .statement_cache_capacity(256)
        .options([
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "3s"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "20000"),
            ("jit", "off"),
            // What is read here is few rows: starting helpers takes longer than reading them.
            ("max_parallel_workers_per_gather", "0"),
            // Every statement here has its index, and a plan is kept for the life of its connection: one made while the
            // tables were small must not go on reading them whole when they are large.
            ("enable_seqscan", "off"),
        ]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let guard = guard.clone();
            Box::pin(async move {
                bound_transactions(connection).await?;
                match guard {
                    Some(guard) => guard.check(connection).await,
                    None => Ok(()),
                }
            })
        })
        .before_acquire(|_, known| {
            let is_outdated = messaging::is_outdated(known.age);
            Box::pin(async move { Ok(!is_outdated) })
        })
        .after_release(|connection, _| {
            // A connection keeps the largest message it ever carried; under load that is half a megabyte each.
            connection.shrink_buffers();
            Box::pin(async { Ok(true) })
        })
        .connect_lazy_with(options)
}

/// A holder of the writer lock that stalls is ended by the server, where it can (17 and later). Later than a statement is, and not at the
/// same time: of two that are equal the server arms this one alone, and ends the connection instead of the statement.
async fn bound_transactions(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let version = connection.server_version_num().unwrap_or(0);
    if version >= 170_000 {
        sqlx::query("SET transaction_timeout = '40s'")
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Waits for the database for up to a minute, refuses one that could lose what it committed, and migrates it: the
/// pipeline's tables first, in their own schema, then the service's.
pub(crate) async fn prepare(pool: &PgPool, own: &Migrator) -> anyhow::Result<()> {
    let mut connection = connect(pool, START_PATIENCE).await?;
    // An index of a large table takes as long as it does. But all who want a table wait behind whoever waits to change it: not for long, and
    // then they have it for longer.
    sqlx::raw_sql("SET statement_timeout = 0; SET lock_timeout = '2s'")
        .execute(&mut connection)
        .await?;
    let unsafe_settings: Vec<String> = sqlx::query_scalar(
        "SELECT name || ' = ' || setting FROM pg_settings
          WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'",
    )
    .fetch_all(&mut connection)
    .await?;
    if !unsafe_settings.is_empty() {
        bail!(
            "the database may lose what it committed ({}): turn these on",
            unsafe_settings.join(", ")
        );
    }
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await?;
    if version < 150_000 {
        bail!("PostgreSQL 15 or later is needed; the server says {version}");
    }
    let mut backoff = Backoff::new(LOCK_PAUSE_FIRST, LOCK_PAUSE_MAX);
    while let Err(error) = migrate(&mut connection, own).await {
        if !waited_for_a_lock(&error) {
            return Err(error);
        }
        let wait = backoff.wait();
        tracing::warn!(error = %format!("{error:#}"), retry_in = ?wait, "somebody has a lock that a migration needs; it waits");
        tokio::time::sleep(wait).await;
    }
    connection.close().await?;
    Ok(())
}

async fn migrate(connection: &mut PgConnection, own: &Migrator) -> anyhow::Result<()> {
    messaging::migrate(connection)
        .await
        .context("the pipeline's migrations")?;
    // What a newer build beside this one has migrated already does not keep this one from starting.
    let own = Migrator {
        migrations: own.migrations.clone(),
        ignore_missing: true,
        ..Migrator::DEFAULT
    };
    own.run(connection)
        .await
        .context("the service's migrations")
}

fn waited_for_a_lock(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        let database = cause.downcast_ref::<Box<dyn DatabaseError>>();
        database.is_some_and(|it| is_locked(&**it))
    })
}

/// A step of the start, once more while connections to the database break in it, for up to a minute: an outage of a moment
/// is no reason to end.
pub(crate) async fn patiently<T>(
    mut step: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + START_PATIENCE;
    loop {
        match step().await {
            Err(error) if is_broken_connection(&error) && Instant::now() < end => {
                tracing::warn!(error = %format!("{error:#}"), "the database went away in a start; it waits");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            done => return done,
        }
    }
}

fn is_broken_connection(error: &anyhow::Error) -> bool {
    let refused = |cause: &sqlx::Error| refusal(cause).is_some();
    if error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(refused)
    {
        return false;
    }
    // An error that passes another one on transparently shows only what that one came from.
    error.chain().any(|cause| {
        if let Some(database) = cause.downcast_ref::<Box<dyn DatabaseError>>() {
            return database.code().is_some_and(|code| ends_session(&code));
        }
        let broken = |error: &sqlx::Error| {
            matches!(
                error,
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_)
            )
        };
        cause.is::<std::io::Error>() || cause.downcast_ref().is_some_and(broken)
    })
}

/// Whether a SQLSTATE says that there is no session any more: connection exceptions; the server shuts down, crashed or starts; it
/// ended a transaction whose process had stopped for a while.
fn ends_session(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || matches!(code, "25P03" | "25P04")
}

/// Why the server is not trusted with a password; none of an error that is something else.
fn refusal(error: &sqlx::Error) -> Option<Refusal> {
    match error {
        sqlx::Error::Io(error) => Refusal::of_io(error),
        sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => {
            Some(Refusal::NotTls)
        }
        sqlx::Error::Tls(error) => Some(Refusal::Other(error.to_string())),
        _ => None,
    }
}

async fn connect(pool: &PgPool, patience: Duration) -> anyhow::Result<PgConnection> {
    let options = pool.connect_options();
    let end = Instant::now() + patience;
    let mut next_warning = Instant::now();
    loop {
        let connecting = PgConnection::connect_with(&options);
        let connected = timeout(CONNECT_TIMEOUT.min(patience), connecting).await;
        match connected.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()))) {
            Ok(connection) => return Ok(connection),
            Err(error) if let Some(why) = refusal(&error) => {
                let (host, port) = (options.get_host(), options.get_port());
                bail!(
                    "the database at {host}:{port} is refused: {why} (DATABASE_SSL_MODE, DATABASE_SSL_ROOT_CERT; \
                     docs/managed.md)"
                );
            }
            Err(error)
                if Instant::now() < end
                    && !matches!(&error, sqlx::Error::Database(d) if d.code().as_deref() == Some("28P01")) =>
            {
                if Instant::now() >= next_warning {
                    tracing::warn!(%error, "waiting for the database");
                    next_warning = Instant::now() + WARN_EVERY;
                }
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            Err(error) => return Err(error).context("the database cannot be reached"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;

    use sqlx::error::ErrorKind;

    use super::*;

    /// What the server states, by its SQLSTATE.
    #[derive(Debug)]
    struct Stated(&'static str);

    impl fmt::Display for Stated {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Stated {}

    impl DatabaseError for Stated {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[tokio::test]
    async fn a_step_of_the_start_is_done_again_only_while_connections_break() {
        let mut tries = 0;
        let done = patiently(async || {
            tries += 1;
            if tries < 3 {
                let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                return Err(anyhow::Error::from(sqlx::Error::Io(cut)).context("migrations"));
            }
            Ok(tries)
        });
        assert_eq!(done.await.ok(), Some(3));
        let mut tries = 0;
        let done = patiently(async || {
            tries += 1;
            if tries < 2 {
                let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                return Err(messaging::SchemaIdError::from(sqlx::Error::Io(cut)).into());
            }
            Ok(tries)
        });
        assert_eq!(done.await.ok(), Some(2), "passed on transparently");
        let mut tries = 0;
        let done = patiently(async || {
            tries += 1;
            if tries < 2 {
                let ended = sqlx::Error::Database(Box::new(Stated("25P03")));
                return Err(messaging::SchemaIdError::from(ended).into());
            }
            Ok(tries)
        });
        assert_eq!(done.await.ok(), Some(2), "the server's own, too");
        let mut tries = 0;
        let refused = patiently(async || {
            tries += 1;
            let wrong = sqlx::Error::Database(Box::new(Stated("42P01")));
            Err::<(), _>(messaging::SchemaIdError::from(wrong).into())
        });
        assert!(refused.await.is_err());
        assert_eq!(tries, 1, "a wrong statement");
        let mut tries = 0;
        let refused = patiently(async || {
            tries += 1;
            Err::<(), _>(anyhow::Error::from(sqlx::Error::RowNotFound))
        });
        assert!(refused.await.is_err());
        assert_eq!(tries, 1, "no outage");
    }

    /// It accepts, as a host's system does before it dies, and says nothing.
    #[tokio::test]
    async fn a_start_does_not_wait_for_a_silent_database_for_good() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("postgres://somebody@127.0.0.1:{port}/somewhere");
        let pool = pool(&url.parse().unwrap(), "test", 1, None);
        let connecting = connect(&pool, Duration::from_millis(100));
        let ended = timeout(Duration::from_mins(1), connecting).await.unwrap();
        let error = ended.unwrap_err();
        assert!(error.to_string().contains("cannot be reached"), "{error:#}");
        assert!(is_broken_connection(&error), "{error:#}");
    }

    #[test]
    fn a_transaction_that_the_server_ended_meanwhile_is_begun_again_and_a_wrong_statement_is_not() {
        for code in ["08006", "57P01", "57P03", "25P03", "25P04"] {
            assert!(ends_session(code), "{code}");
        }
        for code in ["25006", "42P01", "23505", "57014"] {
            assert!(!ends_session(code), "{code}");
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod migration_tests {
    use sqlx::migrate::{Migration, MigrationType};

    use super::*;
    use crate::testing::{self, until};

    /// A backup reads a table for hours. Longer than a reader waits here its place is never taken.
    #[tokio::test]
    async fn a_migration_that_waits_for_a_table_keeps_nobody_from_it_for_long() {
        let url = testing::empty_database().await;
        let pool = pool(&url.parse().unwrap(), "test", 4, None);
        let alter = Migration::new(
            1,
            "alter".into(),
            MigrationType::Simple,
            sqlx::SqlStr::from_static("ALTER TABLE read_by_others ADD COLUMN more int"),
            false,
        );
        let own = Migrator {
            migrations: vec![alter].into(),
            ..Migrator::DEFAULT
        };
        let read = "SELECT count(*) FROM read_by_others";
        let table = "CREATE TABLE read_by_others (id int)";
        sqlx::raw_sql(table).execute(&pool).await.unwrap();
        let mut backup = messaging::begin(&pool, "BEGIN").await.unwrap();
        let first = format!("SET LOCAL idle_in_transaction_session_timeout = 0; {read}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(first))
            .execute(&mut *backup)
            .await
            .unwrap();
        let migrating = prepare(&pool, &own);
        let others = async {
            until("the migration waits", || async {
                let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'read_by_others'::regclass)";
                sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap()
            })
            .await;
            let mut reader = pool.acquire().await.unwrap();
            let patience = "SET lock_timeout = '20s'";
            sqlx::raw_sql(patience).execute(&mut *reader).await.unwrap();
            let found = sqlx::raw_sql(read).execute(&mut *reader).await;
            backup.commit().await.unwrap();
            found
        };
        let (migrated, found) = tokio::join!(migrating, others);
        found.unwrap();
        migrated.unwrap();
        let more = "SELECT more FROM read_by_others";
        sqlx::raw_sql(more).execute(&pool).await.unwrap();
    }

    #[tokio::test]
    async fn a_start_waits_for_another_that_migrates_as_long_as_that_takes() {
        let url = testing::empty_database().await;
        let pool = pool(&url.parse().unwrap(), "test", 4, None);
        let own = Migrator::DEFAULT;
        let mut other = pool.acquire().await.unwrap();
        let hold = |sql: &str| {
            format!(
                "SELECT {sql}({})",
                messaging::AdvisoryLock::Migrations.key()
            )
        };
        let taken = sqlx::AssertSqlSafe(hold("pg_advisory_lock"));
        sqlx::raw_sql(taken).execute(&mut *other).await.unwrap();
        let begun = Instant::now();
        let others = async {
            // It has given its place up, and taken another.
            until("it waits for the second time", || async {
                let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory')";
                let waits: bool = sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap();
                waits && begun.elapsed() > Duration::from_secs(3)
            })
            .await;
            let given_back = sqlx::AssertSqlSafe(hold("pg_advisory_unlock"));
            sqlx::raw_sql(given_back)
                .execute(&mut *other)
                .await
                .unwrap();
        };
        let (migrated, ()) = tokio::join!(prepare(&pool, &own), others);
        migrated.unwrap();
    }
}
