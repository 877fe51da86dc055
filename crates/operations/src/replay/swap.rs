//! Putting what was made again in place, without downtime: a rename under the writer lock.

use std::time::Duration;

use messaging::{Lookups, Tables, WriteTx, is_locked};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

use super::rebuild::{Rebuild, TRIES};
use super::shadow::{self, quoted, run};
use super::{Order, Phase, ReplayError};

/// A reader that goes on for longer than this lets the renaming wait for another try; meanwhile everybody goes on. Readers take tables in other
/// orders: of two that wait for each other this one lets go before Postgres looks for that (`deadlock_timeout`, 1 s).
const LOCK_TIMEOUT: &str = "500ms";
/// How often that is tried.
const LOCK_TRIES: u32 = 40;

impl Rebuild {
    /// Folds the rest under the writer lock and renames. Returns the schema in which the old tables are kept.
    pub(super) async fn swap(
        &mut self,
        order: &Order,
        different: i64,
    ) -> Result<String, ReplayError> {
        shadow::analyze(&self.shadow, &self.domain.tables()).await?;
        let (mut tries, mut lock_tries) = (1, 1);
        loop {
            // What came while they were compared and analyzed, or while a reader held a table or a sender was away.
            self.approach().await?;
            self.report(Phase::Swapping).await;
            match self.try_swap(order, different).await {
                Err(ReplayError::Sql(error))
                    if lock_tries < LOCK_TRIES
                        && error.as_database_error().is_some_and(is_locked) =>
                {
                    tracing::info!(%error, lock_tries, "a reader holds a table; the swap is tried again");
                    lock_tries += 1;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(ReplayError::Sender(reason)) if tries < TRIES => {
                    self.go_back(&reason).await;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_swap(&mut self, order: &Order, different: i64) -> Result<String, ReplayError> {
        let mut tx = WriteTx::begin(&self.live, &self.writer, Lookups::default()).await?;
        // Folding the rest happens on another connection while this one only holds the lock.
        run(
            tx.connection(),
            format!("SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"),
        )
        .await?;
        self.finish().await?;
        let now = tx.now().0;
        let replaced: String = sqlx::query_scalar(
            "SELECT 'replaced_' || to_char(to_timestamp($1 / 1000000.0) AT TIME ZONE 'UTC', 'YYYYMMDD_HH24MISS_MS')",
        )
        .bind(now)
        .fetch_one(tx.connection())
        .await?;
        rename(tx.connection(), &self.domain.tables(), &replaced).await?;
        // Whoever changed a table has committed by now, or waits for what is in place after this.
        self.is_of_its_migration(tx.connection()).await?;
        order.audit(&mut tx, &replaced, different).await?;
        if let Err(error) = tx.commit().await {
            // The answer may be lost where the commit is not.
            if !is_there(&self.live, &replaced).await? {
                return Err(error.into());
            }
        }
        Ok(replaced)
    }
}

/// Old tables and views out, new ones in. Names of tables are resolved again by whoever has a plan that used the old.
async fn rename(
    connection: &mut PgConnection,
    tables: &Tables,
    replaced: &str,
) -> Result<(), sqlx::Error> {
    let views: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
          WHERE c.relnamespace = 'rebuild'::regnamespace AND c.relkind = 'v' ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    let named = |kind: &'static str| move |name: &str| (kind, quoted(name));
    let things: Vec<(&str, String)> = tables
        .replayed()
        .into_iter()
        .map(named("TABLE"))
        .chain(views.iter().map(String::as_str).map(named("VIEW")))
        .collect();
    run(connection, format!("CREATE SCHEMA {replaced}")).await?;
    for (kind, name) in &things {
        run(
            connection,
            format!("ALTER {kind} public.{name} SET SCHEMA {replaced}"),
        )
        .await?;
    }
    for (kind, name) in &things {
        run(
            connection,
            format!("ALTER {kind} rebuild.{name} SET SCHEMA public"),
        )
        .await?;
    }
    run(connection, "DROP SCHEMA rebuild".to_owned()).await?;
    sqlx::query("UPDATE pipeline.fold SET version = $1")
        .bind(tables.fold_version)
        .execute(connection)
        .await?;
    Ok(())
}

/// Schemas with replaced tables, oldest first, with their sizes in bytes.
pub async fn replaced_schemas(pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        r"SELECT n.nspname::text, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
           FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'
          WHERE n.nspname LIKE 'replaced\_%' GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(pool)
    .await
}

async fn is_there(database: impl PgExecutor<'_>, replaced: &str) -> Result<bool, sqlx::Error> {
    let sql = r"SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1 AND nspname LIKE 'replaced\_%')";
    let there = sqlx::query_scalar(sql).bind(replaced);
    there.fetch_one(database).await
}

/// Removes replaced tables for good. False when there are none of that name.
pub async fn drop_replaced(tx: &mut WriteTx, name: &str) -> Result<bool, sqlx::Error> {
    let there = is_there(tx.connection(), name).await?;
    if there {
        let sql = format!("DROP SCHEMA {} CASCADE", quoted(name));
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(tx.connection())
            .await?;
    }
    Ok(there)
}

/// Notes at each start the oldest fold that the tables in place are of, and warns when that is another than the build's: what an older
/// build folds for a while lacks what newer ones fold, and only a swap makes it again.
pub async fn note_fold_version(pool: &PgPool, tables: &Tables) -> Result<(), sqlx::Error> {
    let note = "INSERT INTO pipeline.fold VALUES (true, $1)
                ON CONFLICT (only_row) DO UPDATE SET version = excluded.version WHERE fold.version > excluded.version";
    sqlx::query(note)
        .bind(tables.fold_version)
        .execute(pool)
        .await?;
    let in_place = fold_version(pool).await?;
    if in_place != tables.fold_version {
        tracing::warn!(
            in_place,
            of_this_build = tables.fold_version,
            "the tables were made by another fold than this build's: make them again with ./tributary replay swap"
        );
    }
    Ok(())
}

/// The oldest fold that the tables in place are of.
pub async fn fold_version(pool: &PgPool) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT version FROM pipeline.fold")
        .fetch_one(pool)
        .await
}
