//! Laying the records side by side: one schema for each service, and views over all of them.

pub(super) mod copy;
mod logs;
mod restored;
mod seen;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use schemas::{KINDS, Reach, Service};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::settled::Databases;
use super::{Finding, Journal};

/// The pipeline's tables that are looked at beside the log.
const PIPELINE: [&str; 9] = [
    "audit",
    "epoch",
    "log_head",
    "stream_head",
    "inbox",
    "watermark",
    "parked",
    "service_state",
    "trying",
];

/// Rows are written in pieces of about this many bytes.
const PIECE: usize = 256 * 1024;

/// A service's own tables, but for those in parts: clicks, which are asked about where they are.
const OWN: &str = "SELECT relname::text FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relispartition";

/// Copies everything that is asked about, in a transaction. What the logs' own bytes show is found on the way.
pub(super) async fn gather(
    into: &mut PgConnection,
    mut databases: Databases,
    journal: &Journal,
) -> Result<Vec<Finding>> {
    // Of what cannot be read the payload is null: rule 2 reports it, and questions that walk through payloads leave it out.
    into.execute(
        "CREATE TABLE messages (service text, position bigint, id uuid, type text, topic text, partition int, sequence bigint,
             epoch bigint, key text, subject text, time bigint, correlation_id uuid, causation_id uuid, outcome_of uuid,
             source text, payload jsonb, actor jsonb, seen_by jsonb)",
    )
    .await?;
    let campaign = databases.get_mut(&Service::Campaign);
    let owners = seen::owners(campaign.context("no database of campaign")?).await?;
    let mut reading = logs::Reading::new(owners);
    while let Some((service, mut from)) = databases.pop_first() {
        let schema = format!("CREATE SCHEMA {service}");
        into.execute(AssertSqlSafe(schema)).await?;
        for table in PIPELINE {
            copy::table(
                &mut from,
                &format!("pipeline.{table}"),
                into,
                service.name(),
                table,
            )
            .await?;
        }
        let own: Vec<String> = sqlx::query_scalar(OWN).fetch_all(&mut from).await?;
        for table in &own {
            copy::table(&mut from, table, into, service.name(), table).await?;
        }
        if service == Service::Payment {
            copy::table(&mut from, "aside.rules", into, service.name(), "rules").await?;
        }
        reading.log(service, &mut from, into).await?;
        from.close().await?;
    }
    views(into).await?;
    kinds(into).await?;
    about(into).await?;
    ends(into).await?;
    acknowledged(into, journal).await?;
    indexes(into).await?;
    seen::by_owners_of_endpoints(into).await?;
    restored::known(into).await?;
    Ok(reading.findings())
}

/// For the questions that look things up one by one.
async fn indexes(into: &mut PgConnection) -> Result<()> {
    into.execute(
        "CREATE INDEX ON messages (service, position); CREATE INDEX ON messages (id);
         CREATE INDEX ON messages (causation_id); CREATE INDEX ON messages (outcome_of);
         CREATE INDEX ON messages (service, subject);
         CREATE INDEX ON notify.webhook_deliveries (event_id, endpoint_id);
         CREATE INDEX ON bff.commands (id); CREATE INDEX ON bff.commands (caller, key_hash);
         CREATE INDEX ON bff.outcomes (command_id)",
    )
    .await?;
    for service in Service::ALL {
        let index = format!("CREATE INDEX ON {service}.inbox (id)");
        into.execute(AssertSqlSafe(index)).await?;
    }
    Ok(())
}

/// Each table of the pipeline once, with the service in front.
async fn views(into: &mut PgConnection) -> Result<()> {
    for table in PIPELINE {
        let each = Service::ALL
            .map(|service| format!("SELECT '{service}' AS service, * FROM {service}.{table}"));
        let view = format!("CREATE VIEW {table} AS {}", each.join(" UNION ALL "));
        into.execute(AssertSqlSafe(view)).await?;
    }
    Ok(())
}

/// The table of kinds, a row for each follower.
async fn kinds(into: &mut PgConnection) -> Result<()> {
    let mut rows = String::new();
    for kind in KINDS {
        for follower in kind.followers {
            let comma = if rows.is_empty() { "" } else { "," };
            write!(
                rows,
                "{comma}('{}','{}',{},{},'{follower}')",
                kind.name,
                kind.topic,
                kind.command,
                kind.reach == Reach::Own
            )?;
        }
    }
    into.execute(AssertSqlSafe(format!(
        "CREATE TABLE followed (type text, topic text, command bool, own bool, follower text);
         INSERT INTO followed VALUES {rows}"
    )))
    .await?;
    Ok(())
}

/// What the subject of each kind is the id of.
async fn about(into: &mut PgConnection) -> Result<()> {
    into.execute("CREATE TABLE about (type text, topic text, entity text)")
        .await?;
    sqlx::query("INSERT INTO about SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[])")
        .bind(KINDS.iter().map(|it| it.name).collect::<Vec<_>>())
        .bind(KINDS.iter().map(|it| it.topic.name()).collect::<Vec<_>>())
        .bind(KINDS.iter().map(|it| it.subject.name()).collect::<Vec<_>>())
        .execute(into)
        .await?;
    Ok(())
}

/// What each command may end in, a row for each outcome.
async fn ends(into: &mut PgConnection) -> Result<()> {
    let pairs = KINDS
        .iter()
        .flat_map(|kind| kind.outcomes.iter().map(|outcome| (kind.name, *outcome)));
    let (commands, outcomes): (Vec<_>, Vec<_>) = pairs.unzip();
    into.execute("CREATE TABLE ends (command text, outcome text)")
        .await?;
    sqlx::query("INSERT INTO ends SELECT * FROM UNNEST($1::text[], $2::text[])")
        .bind(commands)
        .bind(outcomes)
        .execute(into)
        .await?;
    Ok(())
}

async fn acknowledged(into: &mut PgConnection, journal: &Journal) -> Result<()> {
    into.execute(
        "CREATE TABLE acknowledged (id uuid, by text, status int); CREATE TABLE acknowledged_clicks (id text);
         CREATE TABLE meant_for_retry_queue (id uuid)",
    )
    .await?;
    for some in journal.commands.chunks(10_000) {
        sqlx::query(
            "INSERT INTO acknowledged SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::int[])",
        )
        .bind(
            some.iter()
                .map(|acknowledged| acknowledged.id)
                .collect::<Vec<_>>(),
        )
        .bind(
            some.iter()
                .map(|acknowledged| acknowledged.by.name())
                .collect::<Vec<_>>(),
        )
        .bind(
            some.iter()
                .map(|acknowledged| i32::from(acknowledged.status))
                .collect::<Vec<_>>(),
        )
        .execute(&mut *into)
        .await?;
    }
    for some in journal.clicks.chunks(10_000) {
        sqlx::query("INSERT INTO acknowledged_clicks SELECT * FROM UNNEST($1::text[])")
            .bind(some)
            .execute(&mut *into)
            .await?;
    }
    sqlx::query("INSERT INTO meant_for_retry_queue SELECT * FROM UNNEST($1::uuid[])")
        .bind(&journal.meant_for_retry_queue)
        .execute(into)
        .await?;
    Ok(())
}
