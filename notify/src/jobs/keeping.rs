//! Keeps what waits and what is kept within bounds.

use std::time::Duration;

use messaging::job::Job;
use schemas::Message;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use types::Micros;

use super::sender::give_up;
use crate::store::{mails, removed_endpoints, sending};

/// How long deliveries and mails are kept, in seconds: 30 days.
const KEPT_SECONDS: i64 = 30 * 24 * 3_600;
/// So many deliveries wait for one endpoint at most, or nearly so: then nothing more is added, until its owner enables it.
const MAX_WAITING: i64 = 100_000;
const EVERY: Duration = Duration::from_secs(30);
const FORGETS_EVERY: Duration = Duration::from_secs(1);

/// Drops what endpoints were sent that there are no more: whoever was erased, or removed one, leaves nothing behind. A thousand each
/// time, beside the writer lock, since there may be very many.
#[derive(Debug, Default)]
pub(crate) struct ForgetRemoved {
    last: Mutex<Option<Instant>>,
}

impl Job for ForgetRemoved {
    const NAME: &'static str = "webhooks_of_removed";

    async fn due(&self, pool: &PgPool, _: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut last = self.last.lock().await;
        if last.is_none_or(|last| last.elapsed() >= FORGETS_EVERY) {
            removed_endpoints::forget(pool).await?;
            *last = Some(Instant::now());
        }
        Ok(Vec::new())
    }
}

/// Drops deliveries and mails that are old, and gives endpoints up for which too much waits.
#[derive(Debug, Default)]
pub(crate) struct KeepBounds {
    last: Mutex<Option<Instant>>,
}

impl Job for KeepBounds {
    const NAME: &'static str = "webhook_bounds";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut last = self.last.lock().await;
        if last.is_some_and(|last| last.elapsed() < EVERY) {
            return Ok(Vec::new());
        }
        let before = Micros(now.get().saturating_sub(KEPT_SECONDS * 1_000_000));
        let (deliveries, mails) = (
            sending::trim(pool, before).await?,
            mails::trim(pool, before).await?,
        );
        if !deliveries && !mails {
            *last = Some(Instant::now());
        }
        let overfull = sending::overfull(pool, MAX_WAITING).await?;
        Ok(overfull.into_iter().map(|it| give_up(it, now)).collect())
    }
}
