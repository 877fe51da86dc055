//! Keeps a key that payment details can be sealed to: makes it, publishes it, and destroys it when nothing sealed to it
//! can still come.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use messaging::job::Job;
use messaging::{Lookups, NewMessage, SchemaIds, TxError, WriteTx, Writer};
use schemas::{Body, Message, SealingKeyPublishedV1, Service, Topic};
use sealing::{DataKeys, KeyPair};
use sqlx::PgPool;
use types::{Micros, Uuid};

use crate::store::sealing_keys;

/// A key is sealed to for so long.
const GOOD_DAYS: i64 = 30;
/// The next one is made so long before.
const OVERLAP_DAYS: i64 = 7;
/// What was sealed to an ended key may still be on its way for so long.
const KEPT_DAYS: i64 = 30;
const LOOK_AGAIN_SECONDS: i64 = 60;

/// Looks every minute whether a new key is due, by time or by an operator's wish.
pub struct SealingKeyKeeper {
    data_keys: Arc<DataKeys>,
    partitions: u32,
    next_look: AtomicI64,
}

impl SealingKeyKeeper {
    /// A keeper that publishes to topics of so many partitions.
    pub fn new(data_keys: Arc<DataKeys>, partitions: u32) -> Self {
        Self {
            data_keys,
            partitions,
            next_look: AtomicI64::new(i64::MIN),
        }
    }

    async fn keep(&self, pool: &PgPool) -> Result<(), KeepError> {
        let writer = Writer::of(
            Service::Payment,
            self.partitions,
            SchemaIds::open(pool).await?,
        );
        let mut tx = WriteTx::begin(pool, &writer, Lookups::default()).await?;
        let now = tx.now();
        let in_days = |days| now.checked_add_days(days).unwrap_or(now);
        sealing_keys::destroy(tx.connection(), in_days(-KEPT_DAYS)).await?;
        if !sealing_keys::lasts(tx.connection(), in_days(OVERLAP_DAYS)).await? {
            self.publish(&mut tx, in_days(GOOD_DAYS)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The key and the event that publishes it are committed together.
    async fn publish(&self, tx: &mut WriteTx, not_after: Micros) -> Result<(), KeepError> {
        let pair = KeyPair::generate()?;
        let correlation_id = Uuid::now_v7();
        let id = format!("key_{}", correlation_id.simple());
        let data_key = self.data_keys.current();
        let private = data_key.encrypt(&id, pair.private.expose())?;
        let new = sealing_keys::New {
            id: &id,
            public: &pair.public,
            private: &private,
            data_key: data_key.id(),
            created_at: tx.now(),
            not_after,
        };
        sealing_keys::insert(tx.connection(), new).await?;
        tracing::info!(key = id, "a new sealing key is published");
        tx.append(NewMessage {
            id: tx.event_id(correlation_id, 0),
            topic: Topic::PaymentEvents,
            key: id.clone(),
            subject: id,
            body: Body::from(SealingKeyPublishedV1 {
                public_key: pair.public,
                not_after,
            }),
            correlation_id,
            causation_id: None,
            outcome_of: None,
            actor: None,
            traceparent: None,
        })?;
        Ok(())
    }
}

impl Job for SealingKeyKeeper {
    const NAME: &'static str = "sealing_key";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        if now.get() < self.next_look.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        match self.keep(pool).await {
            Ok(()) => {}
            Err(KeepError::Sql(error)) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "no new sealing key can be made: payouts cannot be asked for once the last one ends");
            }
        }
        let next = now.checked_add_seconds(LOOK_AGAIN_SECONDS).unwrap_or(now);
        self.next_look.store(next.get(), Ordering::Relaxed);
        Ok(Vec::new())
    }
}

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Append(#[from] TxError),
    #[error(transparent)]
    Schema(#[from] messaging::SchemaIdError),
    #[error(transparent)]
    Seal(#[from] sealing::SealError),
}
