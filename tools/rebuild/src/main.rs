//! Folds a service's whole log into an empty database, so that its tables can be compared with those that the service has
//! (rule 7), and prints the names of those that are its fold. `./tributary check` and chaos runs call it. It only reads
//! where the log is.
#![allow(clippy::print_stdout, reason = "a command line tool")]

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Parser;
use messaging::{DynDomain, SchemaIds, Writer};
use schemas::Service;
use sealing::DataKey;
use secrecy::SecretString;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;

#[derive(Parser)]
#[command(about = "Folds a service's log into an empty database")]
struct Arguments {
    /// campaign, tracking, commission, payment or notify
    service: String,
    /// The last position that is folded
    #[arg(long, default_value_t = i64::MAX)]
    until: i64,
    /// The database with the log
    #[arg(long, env = "REBUILD_FROM", hide_env_values = true)]
    from: String,
    /// The empty database
    #[arg(long, env = "REBUILD_INTO", hide_env_values = true)]
    into: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments {
        service,
        until,
        from,
        into,
    } = Arguments::parse();
    let (from, into) = (pool(&from)?, pool(&into)?);
    let (domain, own): (_, &Migrator) = match Service::parse(&service) {
        Some(Service::Campaign) => (campaign::domain(), &campaign::MIGRATIONS),
        Some(Service::Tracking) => (tracking::domain(), &tracking::MIGRATIONS),
        Some(Service::Commission) => (commission::domain(), commission::migrations()),
        Some(Service::Payment) => {
            // No event is sealed: any key will do.
            let key = DataKey::derive(&SecretString::from(
                "rebuilding opens nothing that is sealed",
            ))?;
            (payment::domain(Arc::new(key.into())), &payment::MIGRATIONS)
        }
        Some(Service::Notify) => (notify::domain(), &notify::MIGRATIONS),
        _ => bail!("{service} has no log of events to fold"),
    };
    fold(domain.as_ref(), own, (&from, until), &into).await
}

fn pool(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(2).connect_lazy(url)?)
}

async fn fold(
    domain: &dyn DynDomain,
    own: &Migrator,
    (from, until): (&PgPool, i64),
    into: &PgPool,
) -> Result<()> {
    let mut connection = into.acquire().await.context("the empty database")?;
    messaging::migrate(&mut connection).await?;
    own.run(&mut *connection).await?;
    drop(connection);
    let writer = Writer::of(domain.service(), 1, SchemaIds::open(into).await?);
    let known = SchemaIds::open(from).await?;
    operations::replay::replay(domain, from, &known, until, into, &writer).await?;
    for table in domain.tables().folds {
        println!("{table}");
    }
    Ok(())
}
