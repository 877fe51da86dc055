//! What `/ready` looks at: the database, whether it takes batches, and that no transport is refused before it was open once, which
//! proves topics, subscriptions and schemas. A transport whose other end is away is reported with its reason, whether it
//! was open before or not, and so is a stream that stands still: the service goes on without, and operators reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::auth::Verifier;
use chassis::http::ReadyCheck;
use chassis::time::to_rfc3339;
use messaging::halted::Halted;
use messaging::{Paused, gap, halted};
use tokio::time::timeout;

use crate::host::Host;

/// A database that is silent is waited for so long: whoever asks whether this process is ready waits no longer than some seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether a process whose edge answers without its database was ready once: from then on it stays ready without. Its visitors would else be
/// sent nowhere by whoever goes by this, as all its processes are at the same database.
pub(crate) struct Lasting {
    outlives_database: bool,
    was_ready: AtomicBool,
}

impl Lasting {
    pub(crate) fn of(outlives_database: bool) -> Self {
        Self {
            outlives_database,
            was_ready: AtomicBool::new(false),
        }
    }

    /// What is to be said of the database while it is not as it must be.
    fn without_database(&self, name: impl Into<String>, reason: String) -> ReadyCheck {
        if self.outlives_database && self.was_ready.load(Ordering::Relaxed) {
            ReadyCheck::passed(name).with_detail(reason)
        } else {
            ReadyCheck::failed(name, reason)
        }
    }

    fn note(&self, checks: &[ReadyCheck]) {
        if checks.iter().all(|check| check.ready) {
            self.was_ready.store(true, Ordering::Relaxed);
        }
    }
}

pub(crate) async fn checks(
    host: Host,
    verifier: Arc<Verifier>,
    lasting: Arc<Lasting>,
) -> Vec<ReadyCheck> {
    let checks = look(&host, &verifier, &lasting).await;
    lasting.note(&checks);
    checks
}

async fn look(host: &Host, verifier: &Verifier, lasting: &Lasting) -> Vec<ReadyCheck> {
    // Asking a database that is not recognised would only wait.
    if let Some(reason) = host.guard().reason() {
        return vec![lasting.without_database("database", reason)];
    }
    let (database, halted) = match timeout(PATIENCE, of_database(host)).await {
        Ok(Ok(halted)) => (ReadyCheck::passed("database"), halted),
        Ok(Err(error)) => (
            lasting.without_database("database", error.to_string()),
            Vec::new(),
        ),
        Err(_) => {
            let silent = format!("no answer in {} s", PATIENCE.as_secs());
            (lasting.without_database("database", silent), Vec::new())
        }
    };
    let mut checks = vec![database];
    checks.extend(verifier.readiness());
    for (transport, reason) in host.health().stops() {
        checks.push(ReadyCheck::passed(transport).with_detail(reason));
    }
    for stream in halted {
        let name = format!("{} {}/{}", stream.source, stream.topic, stream.partition);
        checks.push(ReadyCheck::passed(name).with_detail(stream.reason));
    }
    if let Some(paused) = host.health().batches() {
        checks.push(lasting.without_database(paused.name.clone(), describe(&paused)));
    }
    for paused in host.health().paused() {
        checks.push(ReadyCheck::passed(paused.name.clone()).with_detail(describe(&paused)));
    }
    let closed = host.health().never_opened();
    if closed.is_empty() {
        checks.push(ReadyCheck::passed("transports"));
    }
    for disagreement in host.health().disagreements() {
        checks.push(ReadyCheck::failed("modes", disagreement));
    }
    checks.extend(
        closed
            .into_iter()
            .map(|(transport, error)| ReadyCheck::failed(transport, error)),
    );
    checks
}

/// The streams that stand still, of a database that answers.
async fn of_database(host: &Host) -> Result<Vec<Halted>, sqlx::Error> {
    sqlx::query_scalar::<_, i64>("SELECT position FROM pipeline.log_head")
        .fetch_one(host.pool())
        .await?;
    gap::judge(host.pool(), host.health()).await;
    Ok(halted::all(host.pool()).await.unwrap_or_default())
}

fn describe(paused: &Paused) -> String {
    let since = to_rfc3339(paused.since);
    format!("waits since {since} and tries again: {}", paused.reason)
}
