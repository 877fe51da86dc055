//! Walks through what is to be erased of visitors, some rows at a time.

use messaging::job::Job;
use schemas::Message;
use sqlx::PgPool;
use types::Micros;

use crate::store::erasures;

/// Erases until nothing is left to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Erase;

impl Job for Erase {
    const NAME: &'static str = "erase";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        erasures::step(pool, now).await?;
        Ok(Vec::new())
    }
}
