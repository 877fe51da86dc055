//! The database in which the books are laid side by side.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// A database of this check's own.
pub(super) struct Scratch {
    server: String,
    name: String,
    /// Connected to it.
    pub(super) connection: PgConnection,
}

impl Scratch {
    /// Makes an empty one.
    pub(super) async fn make(server: &str) -> Result<Self> {
        let name = format!("check_{}", Uuid::now_v7().simple());
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
        })
    }

    /// An empty database beside it, for state that is folded anew. It goes with it.
    pub(super) async fn beside(&self, name: &str) -> Result<String> {
        let name = format!("{}_{name}", self.name);
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

async fn statement(server: &str, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    connection.execute(AssertSqlSafe(sql.to_owned())).await?;
    Ok(connection.close().await?)
}

/// The URL of another database of a server.
fn beside(server: &str, name: &str) -> String {
    let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
    format!("{server}/{name}")
}
