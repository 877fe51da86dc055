//! What `/ready` looks at: the database, whether it takes batches, and that no transport is refused before it was open once, which
//! proves topics, subscriptions and schemas. A transport whose other end is away is reported with its reason, whether it
//! was open before or not, and so is a stream that stands still: the service goes on without, and operators reach it.

use std::sync::Arc;

use chassis::auth::Verifier;
use chassis::http::ReadyCheck;
use chassis::time::to_rfc3339;
use messaging::{Paused, gap, halted};

use crate::host::Host;

pub(crate) async fn checks(host: Host, verifier: Arc<Verifier>) -> Vec<ReadyCheck> {
    // Asking a database that is not recognised would only wait.
    if let Some(reason) = host.guard().reason() {
        return vec![ReadyCheck::failed("database", reason)];
    }
    let database = sqlx::query_scalar::<_, i64>("SELECT position FROM pipeline.log_head")
        .fetch_one(host.pool())
        .await;
    let mut checks = vec![match database {
        Ok(_) => ReadyCheck::passed("database"),
        Err(error) => ReadyCheck::failed("database", error.to_string()),
    }];
    checks.extend(verifier.readiness());
    gap::judge(host.pool(), host.health()).await;
    for (transport, reason) in host.health().stops() {
        checks.push(ReadyCheck::passed(transport).with_detail(reason));
    }
    for stream in halted::all(host.pool()).await.unwrap_or_default() {
        let name = format!("{} {}/{}", stream.source, stream.topic, stream.partition);
        checks.push(ReadyCheck::passed(name).with_detail(stream.reason));
    }
    if let Some(paused) = host.health().batches() {
        checks.push(ReadyCheck::failed(paused.name.clone(), describe(&paused)));
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

fn describe(paused: &Paused) -> String {
    let since = to_rfc3339(paused.since);
    format!("waits since {since} and tries again: {}", paused.reason)
}
