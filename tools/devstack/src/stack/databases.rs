//! A role, a password and a database per service: nobody reads another's.

use anyhow::Result;
use schemas::Service;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// `<service>_db`.
pub fn database_name(service: &str) -> String {
    format!("{service}_db")
}

/// Makes what is missing for each (service, password) and sets the passwords; safe to repeat.
pub async fn provision_databases(
    admin: &PgConnectOptions,
    services: &[(Service, String)],
) -> Result<()> {
    let mut server = PgConnection::connect_with(admin).await?;
    for (service, password) in services {
        let (role, database) = (service.name(), database_name(service.name()));
        let password = password.replace('\'', "''");
        if !exists(
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
        if !exists(
            &mut server,
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
            &database,
        )
        .await?
        {
            execute(
                &mut server,
                format!("CREATE DATABASE {database} OWNER {role}"),
            )
            .await?;
        }
        execute(
            &mut server,
            format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
        )
        .await?;
    }
    Ok(server.close().await?)
}

async fn exists(server: &mut PgConnection, query: &'static str, name: &str) -> Result<bool> {
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
