//! Effects: I/O outside transactions, caused by an own event whose commit stands, answered by commands.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use schemas::{Message, Topic};
use tokio_util::sync::CancellationToken;

use crate::inbound::Inbound;
use crate::log;
use crate::queue::Inlet;
use crate::relay::Source;
use crate::schema_ids::SchemaIdError;

/// Effects of one service that run at once.
const CHUNK: i64 = 64;
const POLL: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// One kind of effect. It may be asked to perform the same event again after a crash.
pub trait Effect: Send + Sync + 'static {
    /// Its name, and that of its cursor.
    const NAME: &'static str;

    /// Whether it has anything to do about events of this type.
    fn wants(&self, kind: &str) -> bool;

    /// Does it, and says with which commands to answer; their ids derive from the event's. An error is an outage: it is
    /// performed again later.
    fn perform(&self, event: &Message)
    -> impl Future<Output = Result<Vec<Message>, String>> + Send;
}

/// Performs an effect until told to stop. Only one process of a service may: run it under the relay's lock.
pub async fn run<E: Effect>(
    effect: Arc<E>,
    mut source: Source,
    inlet: Inlet,
    commands: Topic,
    stop: CancellationToken,
) {
    let performing = async {
        loop {
            if let Err(error) = follow(&*effect, &mut source, &inlet, commands).await {
                tracing::warn!(%error, "the effect waits for the database");
                tokio::time::sleep(POLL).await;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = performing => {}
    }
}

async fn follow<E: Effect>(
    effect: &E,
    source: &mut Source,
    inlet: &Inlet,
    commands: Topic,
) -> Result<(), SchemaIdError> {
    let mut at: i64 = sqlx::query_scalar(
        "INSERT INTO pipeline.effect_cursor (effect, position) VALUES ($1, 0)
         ON CONFLICT (effect) DO UPDATE SET position = effect_cursor.position RETURNING position",
    )
    .bind(E::NAME)
    .fetch_one(&source.pool)
    .await?;
    let mut saved = at;
    loop {
        source.committed.borrow_and_update();
        let rows = log::all_after(&source.pool, at, CHUNK).await?;
        let Some(last) = rows.last().map(|row| row.position) else {
            if saved < at {
                save(&source.pool, E::NAME, at).await?;
                saved = at;
            }
            let _ = tokio::time::timeout(POLL, source.committed.changed()).await;
            continue;
        };
        let mut wanted = Vec::new();
        for row in rows.iter().filter(|row| effect.wants(&row.kind)) {
            let schema = source.schema_ids.get(&source.pool, row.schema_id).await?;
            match schemas::decode(&schema, &row.body) {
                Ok(event) => wanted.push(event),
                Err(error) => {
                    tracing::error!(position = row.position, %error, "an own event cannot be read");
                }
            }
        }
        let performed = !wanted.is_empty();
        join_all(
            wanted
                .iter()
                .map(|event| perform(effect, event, inlet, commands)),
        )
        .await;
        at = last;
        if performed {
            save(&source.pool, E::NAME, at).await?;
            saved = at;
        }
    }
}

async fn perform<E: Effect>(effect: &E, event: &Message, inlet: &Inlet, commands: Topic) {
    let mut backoff = Duration::from_millis(100);
    loop {
        match effect.perform(event).await {
            Ok(answers) => {
                let answers: Vec<Inbound> = answers
                    .into_iter()
                    .map(|message| Inbound::local(commands, message, None))
                    .collect();
                if answers.is_empty() {
                    return;
                }
                if let Ok(done) = inlet.send(answers).await
                    && done.await.is_ok()
                {
                    return;
                }
            }
            Err(reason) => {
                metrics::counter!("tributary_effect_retries_total", "effect" => E::NAME)
                    .increment(1);
                tracing::warn!(effect = E::NAME, event = %event.header.id, reason, "an effect is performed again later");
            }
        }
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

async fn save(pool: &sqlx::PgPool, effect: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE pipeline.effect_cursor SET position = $2 WHERE effect = $1")
        .bind(effect)
        .bind(position)
        .execute(pool)
        .await?;
    Ok(())
}
