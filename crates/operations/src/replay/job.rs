//! Replays that operators ask for: one at a time, reported while they run.

use messaging::WriteTx;
use messaging::audit::{self, Act};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::compare::TableReport;
use super::rebuild::Rebuild;
use super::{ReplayError, shadow};

types::names! {
    /// What is to be done with the tables that were made again.
    pub enum Kind {
        /// Compare them with the live ones.
        Verify = "verify",
        /// Compare, then put them in place.
        Swap = "swap",
    }

    /// How far a replay is.
    pub enum Phase {
        /// Messages are folded into the new tables.
        Folding = "folding",
        /// They are compared with the live ones.
        Comparing = "comparing",
        /// They are put in place.
        Swapping = "swapping",
        /// It came to its end.
        Done = "done",
        /// It could not go on.
        Failed = "failed",
        /// Its process is gone. Never stored: who looks finds out.
        Interrupted = "interrupted",
    }
}

/// What an operator asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// The job's id.
    pub id: Uuid,
    /// What to do.
    pub kind: Kind,
    /// The operator's token subject.
    pub actor: String,
    /// Why.
    pub reason: String,
}

impl Order {
    /// Notes the swap, in the transaction that does it.
    pub(super) async fn audit(
        &self,
        tx: &mut WriteTx,
        replaced: &str,
        different: i64,
    ) -> Result<(), sqlx::Error> {
        let act = Act {
            actor: &self.actor,
            action: "replay.swap",
            target: replaced.to_owned(),
            reason: &self.reason,
            detail: json!({ "job": self.id, "different": different }),
        };
        let at = tx.now();
        audit::record(tx.connection(), at, &act).await?;
        Ok(())
    }
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The position of the own log at which both sides were compared.
    pub position: i64,
    /// Messages folded.
    pub events: u64,
    /// Their sizes.
    pub bytes: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// Rows that were not the same.
    pub different: i64,
    /// Each table.
    pub tables: Vec<TableReport>,
    /// Where the old tables are kept, after a swap.
    pub replaced: Option<String>,
}

/// Does what is asked, and leaves no copies behind. What holds off others is held until [`Rebuild::release`].
pub async fn run(rebuild: &mut Rebuild, order: &Order) -> Result<Report, ReplayError> {
    rebuild.hold().await?;
    let ran = work(rebuild, order).await;
    // What is there when it is not held any more may be another's.
    let removed = match rebuild.is_held().await {
        Ok(()) => shadow::remove(&rebuild.shadow).await,
        Err(_) => Ok(()),
    };
    let report = ran?;
    // After a swap there are no copies: what is in place is reported, whatever became of the statement.
    if report.replaced.is_none() {
        removed?;
    }
    Ok(report)
}

async fn work(rebuild: &mut Rebuild, order: &Order) -> Result<Report, ReplayError> {
    rebuild.job = Some(order.id);
    rebuild.catch_up().await?;
    let (position, tables) = rebuild.compare().await?;
    let different = tables.iter().map(|table| table.different).sum();
    let mut replaced = None;
    if order.kind == Kind::Swap {
        replaced = Some(rebuild.swap(order, different).await?);
    }
    let seen = rebuild.seen;
    rebuild.report(Phase::Done).await;
    Ok(Report {
        position,
        events: seen.events,
        bytes: seen.bytes,
        milliseconds: u64::try_from(seen.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        different,
        tables,
        replaced,
    })
}
