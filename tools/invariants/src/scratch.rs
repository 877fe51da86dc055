//! The database in which the records are laid side by side.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// With which their names begin.
const PREFIX: &str = "check_";

/// A database of this check's own.
pub(super) struct Scratch {
    server: String,
    name: String,
    /// Connected to it.
    pub(super) connection: PgConnection,
    /// How many stand beside it.
    beside: u32,
}

impl Scratch {
    /// Makes an empty one.
    pub(super) async fn make(server: &str) -> Result<Self> {
        remove_abandoned(server).await?;
        let name = format!("{PREFIX}{}", Uuid::now_v7().simple());
        statement(server, &format!("CREATE DATABASE {name}"))
            .await
            .context("the check needs a database of its own")?;
        let mut connection = PgConnection::connect(&beside(server, &name)).await?;
        // Nothing here outlives the check.
        connection.execute("SET synchronous_commit = off").await?;
        Ok(Self {
            server: server.to_owned(),
            name,
            connection,
            beside: 0,
        })
    }

    /// Empties it: much quicker than another database, whose removal waits for a checkpoint of the whole server.
    pub(super) async fn clear(&mut self) -> Result<()> {
        // What an earlier check left behind when it failed.
        self.connection.execute("ROLLBACK").await?;
        let made: Vec<String> = sqlx::query_scalar(
            "SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
              WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
        )
        .fetch_all(&mut self.connection)
        .await?;
        let all = format!("{}; CREATE SCHEMA public", made.join("; "));
        self.connection.execute(AssertSqlSafe(all)).await?;
        Ok(())
    }

    /// An empty database beside it, for state that is folded anew. It goes with it.
    pub(super) async fn beside(&mut self) -> Result<String> {
        self.beside += 1;
        let name = format!("{}_{}", self.name, self.beside);
        statement(&self.server, &format!("CREATE DATABASE {name}")).await?;
        Ok(beside(&self.server, &name))
    }

    /// Removes it and what was made beside it.
    pub(super) async fn remove(self) -> Result<()> {
        self.connection.close().await?;
        let mut server = PgConnection::connect(&self.server).await?;
        let made: Vec<String> =
            sqlx::query_scalar("SELECT datname FROM pg_database WHERE starts_with(datname, $1)")
                .bind(&self.name)
                .fetch_all(&mut server)
                .await?;
        for name in made {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            server.execute(AssertSqlSafe(drop)).await?;
        }
        Ok(server.close().await?)
    }
}

/// Removes what a check that was ended left behind: a check is connected to its database as long as it lasts, and what stands beside that
/// bears its name.
async fn remove_abandoned(server: &str) -> Result<()> {
    let mut server = PgConnection::connect(server).await?;
    let abandoned: Vec<String> = sqlx::query_scalar(
        "SELECT d.datname FROM pg_database d
          WHERE starts_with(d.datname, $1)
            AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE starts_with(d.datname, a.datname))",
    )
    .bind(PREFIX)
    .fetch_all(&mut server)
    .await?;
    for name in abandoned {
        // Another check may be as quick, and one that has just been made is not connected to.
        if is_old(&name) {
            let drop = format!("DROP DATABASE IF EXISTS {name}");
            // Another's, or in use again: the check goes on without.
            let _left = server.execute(AssertSqlSafe(drop)).await;
        }
    }
    Ok(server.close().await?)
}

/// Whether it was made more than a minute ago, as its name says.
fn is_old(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|id| id.get(..32));
    let made = id.and_then(|id| Uuid::try_parse(id).ok());
    let made = made.and_then(|id| id.get_timestamp());
    let now = Uuid::now_v7().get_timestamp();
    let (Some(made), Some(now)) = (made, now) else {
        return false;
    };
    made.to_unix().0 + 60 < now.to_unix().0
}

async fn statement(server: &str, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    connection.execute(AssertSqlSafe(sql.to_owned())).await?;
    Ok(connection.close().await?)
}

/// The URL of another database of a server.
fn beside(server: &str, name: &str) -> String {
    let (server, options) = server.split_at(server.find('?').unwrap_or(server.len()));
    let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
    format!("{server}/{name}{options}")
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn another_database_of_a_server_is_reached_with_the_same_options() {
        for (server, there) in [
            (
                "postgres://o:p@db:5432/postgres",
                "postgres://o:p@db:5432/check_1",
            ),
            (
                "postgres://o:p@db/postgres?sslmode=verify-full&sslrootcert=/etc/ca.pem",
                "postgres://o:p@db/check_1?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            ),
        ] {
            assert_eq!(beside(server, "check_1"), there);
        }
    }
}
