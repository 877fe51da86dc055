//! While `PAYMENT_DATA_KEY` is changed: encrypts anew what an earlier key encrypted, some rows at a time, beside everything
//! else. Ended in the middle, it begins again and passes over what is done. Through, it begins again a while later: a process that is still to
//! have the key may write with the one of before.

use std::sync::Arc;

use messaging::job::Job;
use schemas::Message;
use sealing::DataKeys;
use sqlx::PgPool;
use tokio::sync::Mutex;
use types::Micros;

use crate::store::encrypted::{self, Kept, TABLES};

/// Rows that are looked at in one step; there are about four steps a second.
const ROWS: i64 = 250;

/// So long after it was through, in microseconds, it begins again.
const AGAIN: i64 = 600 * 1_000_000;

/// Encrypts anew, from one end of all tables to the other, again and again.
pub struct Reencryption {
    data_keys: Arc<DataKeys>,
    walk: Mutex<Walk>,
}

/// How far it is.
#[derive(Default)]
struct Walk {
    table: usize,
    /// The last row that was looked at.
    after: String,
    renewed: u64,
    unreadable: u64,
    /// When it was through.
    done_at: Option<Micros>,
    /// What was reported last.
    reported: Option<(u64, u64)>,
}

impl Reencryption {
    /// One that has not begun.
    pub fn new(data_keys: Arc<DataKeys>) -> Self {
        Self {
            data_keys,
            walk: Mutex::default(),
        }
    }

    async fn step(&self, pool: &PgPool, now: Micros) -> Result<(), sqlx::Error> {
        let mut walk = self.walk.lock().await;
        if walk.done_at.is_some_and(|at| now.micros_since(at) >= AGAIN) {
            *walk = Walk {
                reported: walk.reported,
                ..Walk::default()
            };
        }
        let Some(table) = TABLES.get(walk.table).copied() else {
            return Ok(());
        };
        let current = self.data_keys.current().id();
        let part = encrypted::part(pool, table, &walk.after, ROWS, current).await?;
        let Some((kept, end)) = part else {
            walk.table += 1;
            walk.after.clear();
            if walk.table == TABLES.len() {
                walk.done_at = Some(now);
                walk.report();
            }
            return Ok(());
        };
        let found = kept.len();
        let anew: Vec<_> = kept
            .into_iter()
            .filter_map(|kept| self.anew(kept))
            .collect();
        walk.unreadable += u64::try_from(found - anew.len()).unwrap_or_default();
        if !anew.is_empty() {
            walk.renewed += encrypted::replace(pool, table, &anew, current).await?;
        }
        walk.after = end;
        Ok(())
    }

    fn anew(&self, kept: Kept) -> Option<(Kept, Vec<u8>)> {
        let key = kept.data_key.as_deref();
        let plain = self.data_keys.decrypt(key, &kept.id, &kept.bytes);
        let new = plain.and_then(|plain| self.data_keys.current().encrypt(&kept.id, &plain));
        Some((kept, new.ok()?))
    }
}

impl Walk {
    fn report(&mut self) {
        let found @ (renewed, unreadable) = (self.renewed, self.unreadable);
        if self.reported.replace(found) == Some(found) {
            return;
        }
        if unreadable == 0 {
            tracing::info!(
                renewed,
                "everything is encrypted with PAYMENT_DATA_KEY: PAYMENT_ACCEPTED_DATA_KEYS may go once every process has it"
            );
        } else {
            tracing::error!(
                renewed,
                unreadable,
                "some payment details or sealing keys are encrypted with a key that is not given: add it to \
                 PAYMENT_ACCEPTED_DATA_KEYS and restart"
            );
        }
    }
}

impl Job for Reencryption {
    const NAME: &'static str = "reencryption";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        self.step(pool, now).await?;
        Ok(Vec::new())
    }
}
