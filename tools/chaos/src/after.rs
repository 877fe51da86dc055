//! After the last fault: garbage is refused, time passes, and everything settles.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use schemas::Service;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::stack::ChaosStack;
use super::strewn::GARBAGE_SOURCE;
use invariants::Records;

/// How often the databases are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// From the last fault until nothing moves.
const SETTLED_WITHIN: Duration = Duration::from_mins(2);
/// Longer than any hold of the workload, in microseconds.
const HOLDS_END: i64 = 30 * 24 * 3_600 * 1_000_000;

/// Waits until nothing moves; lets every hold end, and waits again. Says what still moves.
pub async fn settle(stack: &ChaosStack, records: &Records) -> Result<Option<String>> {
    stack.ready().await?;
    if let Err(moving) = invariants::settled(records, SETTLED_WITHIN).await {
        return Ok(Some(moving));
    }
    let_holds_end(stack).await.context("letting holds end")?;
    Ok(invariants::settled(records, SETTLED_WITHIN).await.err())
}

/// Commission's clock goes on by more than the longest hold, under its writer lock.
async fn let_holds_end(stack: &ChaosStack) -> Result<()> {
    let url = stack.database_url(Service::Commission)?;
    let mut connection = PgConnection::connect(&url).await?;
    let mut tx = connection.begin().await?;
    sqlx::query(messaging::AdvisoryLock::Log.hold())
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + $1")
        .bind(HOLDS_END)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(connection.close().await?)
}

/// Waits until every service has refused the garbage that lay among its commands. Says who has not: it was passed over, or is
/// still at the broker. More may be refused than is due, since what got no receipt may have come all the same.
pub async fn swallowed(stack: &ChaosStack, due: &BTreeMap<Service, u64>) -> Result<Vec<String>> {
    const REFUSED: &str =
        "SELECT count(*) FROM pipeline.inbox WHERE source = $1 AND state = 'rejected'";
    stack.ready().await?;
    let end = Instant::now() + SETTLED_WITHIN;
    loop {
        let mut refused = BTreeMap::new();
        for &service in due.keys() {
            let mut connection = PgConnection::connect(&stack.database_url(service)?).await?;
            let count: i64 = sqlx::query_scalar(REFUSED)
                .bind(GARBAGE_SOURCE)
                .fetch_one(&mut connection)
                .await?;
            connection.close().await?;
            refused.insert(service, u64::try_from(count)?);
        }
        let short = fewer(due, &refused);
        if short.is_empty() || Instant::now() >= end {
            return Ok(short);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Who has refused less than was due.
fn fewer(due: &BTreeMap<Service, u64>, refused: &BTreeMap<Service, u64>) -> Vec<String> {
    let mut short = Vec::new();
    for (service, due) in due {
        let refused = refused.get(service).copied().unwrap_or(0);
        if refused < *due {
            short.push(format!(
                "{service} refused {refused} of {due} malformed or unsigned commands: the others are nowhere"
            ));
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_that_a_service_has_not_refused_is_named() {
        let due = BTreeMap::from([(Service::Campaign, 2), (Service::Payment, 1)]);
        assert!(fewer(&due, &due).is_empty());
        let more = BTreeMap::from([(Service::Campaign, 3), (Service::Payment, 1)]);
        assert!(fewer(&due, &more).is_empty());
        let short = fewer(&due, &BTreeMap::from([(Service::Campaign, 1)]));
        assert_eq!(short.len(), 2);
        assert!(short[0].contains("campaign refused 1 of 2"), "{short:?}");
        assert!(short[1].contains("payment refused 0 of 1"), "{short:?}");
    }
}
