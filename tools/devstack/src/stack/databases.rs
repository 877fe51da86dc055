//! A role, a password and a database per service: nobody reads another's.

use std::time::Duration;

use anyhow::{Context, Result};
use schemas::Service;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::timeout;

use super::postgres_data::verifier_of;

/// A server that is frozen takes connections and says nothing.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Connects, or fails soon: somebody waits for it.
pub async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let connecting = timeout(ANSWERS_WITHIN, PgConnection::connect_with(options));
    let connected = connecting.await.with_context(|| {
        let (host, port) = (options.get_host(), options.get_port());
        format!("the database at {host}:{port} does not answer within {ANSWERS_WITHIN:?}")
    })?;
    Ok(connected?)
}

/// `<service>_db`.
pub fn database_name(service: &str) -> String {
    format!("{service}_db")
}

/// Makes what is missing for each (service, password or its verifier) and sets the passwords; safe to repeat. `admin` is a superuser, or whoever may make
/// roles and databases.
pub async fn provision_databases(
    admin: &PgConnectOptions,
    services: &[(Service, String)],
) -> Result<()> {
    let mut server = connect(admin).await?;
    for (service, password) in services {
        let role = service.name();
        let password = verifier_of(password)?.replace('\'', "''");
        if !holds(
            &mut server,
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)",
            role,
        )
        .await?
        {
            execute(
                &mut server,
                format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"),
            )
            .await?;
        }
        execute(
            &mut server,
            format!("ALTER ROLE {role} PASSWORD '{password}'"),
        )
        .await?;
        // Who is no superuser makes nothing for a role, and revokes nothing of what is a role's, unless it can take that role.
        let query = may_take(&server);
        let takes = !holds(&mut server, query, role).await?;
        if takes {
            execute(&mut server, format!("GRANT {role} TO CURRENT_USER")).await?;
        }
        let made = database(&mut server, role).await;
        if takes {
            execute(&mut server, format!("REVOKE {role} FROM CURRENT_USER")).await?;
        }
        made?;
    }
    Ok(server.close().await?)
}

/// Since 16 a member may take a role only where that was granted with the membership.
fn may_take(server: &PgConnection) -> &'static str {
    match server.server_version_num() {
        Some(version) if version >= 160_000 => "SELECT pg_has_role($1::name, 'SET')",
        _ => "SELECT pg_has_role($1::name, 'MEMBER')",
    }
}

async fn database(server: &mut PgConnection, role: &str) -> Result<()> {
    let database = database_name(role);
    if !holds(
        server,
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
        &database,
    )
    .await?
    {
        execute(server, format!("CREATE DATABASE {database} OWNER {role}")).await?;
    }
    execute(
        server,
        format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
    )
    .await
}

async fn holds(server: &mut PgConnection, query: &'static str, name: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(query)
        .bind(name)
        .fetch_one(server)
        .await?)
}

/// Role and database names cannot be parameters; they come from our own closed list of services.
async fn execute(server: &mut PgConnection, statement: String) -> Result<()> {
    server.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
