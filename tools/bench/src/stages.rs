//! Where a purchase's time goes: between the services, and in each one's transaction.

use std::collections::HashMap;
use std::fmt::Write;

use anyhow::Result;
use devstack::settings::Settings;
use schemas::Service;
use sqlx::PgPool;
use uuid::Uuid;

use super::clients;
use super::ledger::{committed_us, head};
use super::report::tenths;

/// In the order in which a purchase comes to them.
const PATH: [Service; 3] = [Service::Tracking, Service::Commission, Service::Payment];

/// The logs that a purchase goes through.
pub struct Stages(Vec<(Service, PgPool)>);

/// How far they were.
pub struct Mark(Vec<i64>);

/// When a transaction decided upon a purchase, and when that was committed, in microseconds.
type Times = HashMap<Uuid, (i64, i64)>;

impl Stages {
    /// Connects to their databases.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let mut all = Vec::new();
        for service in PATH {
            let url = settings.database_url(service)?;
            all.push((service, PgPool::connect(&url).await?));
        }
        Ok(Self(all))
    }

    /// Where they end now.
    pub async fn mark(&self) -> Result<Mark> {
        let mut positions = Vec::new();
        for (_, pool) in &self.0 {
            positions.push(head(pool).await?);
        }
        Ok(Mark(positions))
    }

    /// What purchases that were sent since then, by correlation id with their time in microseconds, took from one place to the next.
    pub async fn table(
        &self,
        name: &str,
        mark: &Mark,
        sent: &HashMap<Uuid, i64>,
    ) -> Result<String> {
        let mut page = format!(
            "\nWhere a purchase's time goes at {name}, in ms:\n\n| | p50 | p99 |\n|---|---|---|\n"
        );
        let mut left = sent.clone();
        for ((service, pool), from) in self.0.iter().zip(&mark.0) {
            let times = times(pool, *from).await?;
            let mut row = |what: &str, all: Vec<i64>| {
                let mut all: Vec<u64> = all
                    .into_iter()
                    .filter_map(|it| it.try_into().ok())
                    .collect();
                all.sort_unstable();
                let [p50, p99] = [50, 99].map(|percent| tenths(clients::percentile(&all, percent)));
                writeln!(page, "| {what} | {p50} | {p99} |")
            };
            let of = |id: &Uuid| times.get(id).copied();
            let waited = left.iter().filter_map(|(id, at)| Some(of(id)?.0 - at));
            row(&format!("until {service} decides"), waited.collect())?;
            let taken = left
                .keys()
                .filter_map(of)
                .map(|(began, ended)| ended - began);
            row("until that is committed", taken.collect())?;
            left = times
                .into_iter()
                .map(|(id, (_, ended))| (id, ended))
                .filter(|(id, _)| left.contains_key(id))
                .collect();
        }
        Ok(page)
    }
}

async fn times(pool: &PgPool, from: i64) -> Result<Times> {
    let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(concat!(
        "SELECT correlation_id, min(time), max(",
        committed_us!(),
        ") FROM pipeline.message_log WHERE position > $1 GROUP BY correlation_id"
    ))
    .bind(from)
    .fetch_all(pool)
    .await?;
    let times = rows
        .into_iter()
        .map(|(id, began, ended)| (id, (began, ended)));
    Ok(times.collect())
}
