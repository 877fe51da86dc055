//! What is on the disk.

use std::fmt::Write;

use anyhow::Result;
use devstack::local::LocalStack;
use schemas::Service;
use sqlx::PgPool;

use crate::machine::size;

/// A table takes at least so many bytes a purchase to be shown.
const SHOWN: i64 = 5;

/// Bytes of each table with its indexes, for each of so many purchases.
pub async fn table(stack: &LocalStack, purchases: u64) -> Result<String> {
    let mut rows: Vec<(Service, String, i64, i64)> = Vec::new();
    for service in Service::ALL {
        let pool = PgPool::connect(&stack.database_url(service)?).await?;
        let tables: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT coalesce(pg_partition_root(c.oid)::regclass, c.oid::regclass)::text AS of,
                    sum(pg_table_size(c.oid))::bigint AS rows, sum(pg_indexes_size(c.oid))::bigint AS indexes
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             GROUP BY 1",
        )
        .fetch_all(&pool)
        .await?;
        let all = tables
            .into_iter()
            .map(|(of, rows, indexes)| (service, of, rows, indexes));
        rows.extend(all);
    }
    rows.sort_by_key(|(_, _, rows, indexes)| std::cmp::Reverse(rows + indexes));
    let many = i64::try_from(purchases)?.max(1);
    let sum: i64 = rows
        .iter()
        .map(|(_, _, rows, indexes)| rows + indexes)
        .sum();
    let broker = size(&stack.layout().state.join("pulsar"))?;
    let mut page = format!(
        "\nOn the disk each of {purchases} purchases takes {} bytes in the databases, and the broker has {} bytes of each:\n\n\
         | database | table | rows, bytes a purchase | indexes |\n|---|---|---|---|\n",
        sum / many,
        broker / purchases.max(1)
    );
    for (service, of, rows, indexes) in rows {
        if (rows + indexes) / many >= SHOWN {
            writeln!(
                page,
                "| {service} | {of} | {} | {} |",
                rows / many,
                indexes / many
            )?;
        }
    }
    Ok(page)
}
