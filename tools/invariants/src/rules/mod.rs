//! The checks, by what they look at.

mod causes;
mod clicks;
mod commands;
mod earnings;
mod effects;
pub(super) mod ids;
mod ledger;
mod logs;
mod money;
mod notified;
mod order;
mod orders;
mod payouts;
mod rebuilt;
mod reports;

use std::time::Duration;

use anyhow::Result;
use sqlx::Executor;

use super::scratch::Scratch;
use super::{Finding, Journal, Records, evidence, gather, settled};

/// Gathers the records, of a quiet stack where it is quiet within this time, and makes every check of these rules.
pub(super) async fn all(
    scratch: &mut Scratch,
    records: &Records,
    journal: &Journal,
    only: &[u8],
    patience: Duration,
) -> Result<Vec<Finding>> {
    let gathered = &mut scratch.connection;
    let databases = settled::snapshots(records, patience).await?;
    gathered
        .execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
        .await?;
    let stated = if only.contains(&9) {
        payouts::statement(records, gathered).await?
    } else {
        payouts::Stated::Nowhere
    };
    let mut found = gather::gather(gathered, databases, journal).await?;
    gathered.execute("COMMIT; ANALYZE").await?;
    found.retain(|finding| only.contains(&finding.rule));
    for questions in [
        logs::QUESTIONS,
        order::QUESTIONS,
        commands::QUESTIONS,
        effects::QUESTIONS,
        causes::QUESTIONS,
        money::QUESTIONS,
        orders::QUESTIONS,
        reports::QUESTIONS,
        notified::QUESTIONS,
    ] {
        found.extend(evidence::ask(gathered, questions, only).await?);
    }
    if only.contains(&2) {
        found.extend(clicks::clicks(records, journal).await?);
    }
    if only.contains(&9) {
        found.extend(earnings::commissions(gathered).await?);
        found.extend(earnings::totals(gathered).await?);
        found.extend(earnings::noted(gathered).await?);
        found.extend(ledger::ledger(gathered).await?);
        found.extend(payouts::payouts(&stated, gathered).await?);
        found.extend(clicks::links(records).await?);
        found.extend(clicks::sums(records).await?);
    }
    if only.contains(&10) {
        found.extend(ids::events(gathered).await?);
        found.extend(ids::derived(gathered).await?);
    }
    if only.contains(&7) {
        found.extend(rebuilt::rebuilt(scratch, records).await?);
    }
    found.sort_by_key(|finding| finding.rule);
    Ok(found)
}
