//! What `/ready` looks at: the database, and that every road was open once, which proves topics, subscriptions and
//! schemas.

use chassis::http::ReadyCheck;

use crate::start::Host;

pub(crate) async fn checks(host: Host) -> Vec<ReadyCheck> {
    let database = sqlx::query_scalar::<_, i64>("SELECT position FROM pipeline.log_head")
        .fetch_one(host.pool())
        .await;
    let mut checks = vec![match database {
        Ok(_) => ReadyCheck::passed("database"),
        Err(error) => ReadyCheck::failed("database", error.to_string()),
    }];
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
