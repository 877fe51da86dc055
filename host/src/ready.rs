//! What `/ready` looks at: the database, and that every road was open once, which proves topics, subscriptions and
//! schemas.

use chassis::http::ReadyCheck;
use pipeline::stopped;

use crate::start::Host;

pub(crate) async fn checks(host: Host) -> Vec<ReadyCheck> {
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
    for (road, reason) in host.health().stops() {
        checks.push(ReadyCheck::failed(road, reason));
    }
    for stream in stopped::all(host.pool()).await.unwrap_or_default() {
        let name = format!("{} {}/{}", stream.source, stream.topic, stream.partition);
        checks.push(ReadyCheck::failed(name, stream.reason));
    }
    let closed = host.health().never_opened();
    if closed.is_empty() {
        checks.push(ReadyCheck::passed("roads"));
    }
    for disagreement in host.health().disagreements() {
        checks.push(ReadyCheck::failed("modes", disagreement));
    }
    checks.extend(
        closed
            .into_iter()
            .map(|(road, error)| ReadyCheck::failed(road, error)),
    );
    checks
}
