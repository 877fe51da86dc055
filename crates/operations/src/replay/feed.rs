//! What is folded, in order, up to a target.

use std::collections::HashMap;
use std::time::Duration;

use messaging::{SchemaIds, StreamId, WriteTx, log};
use schemas::Message;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::ReplayError;
use super::followed::Followed;

/// Messages that are folded at once.
pub(super) const BATCH: i64 = 500;

/// Up to where the tables are to be folded.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// In the own log.
    pub position: i64,
    /// In what is followed.
    pub watermarks: HashMap<StreamId, i64>,
}

impl Target {
    /// Where the live tables stand, as a transaction sees them.
    pub(super) fn of(tx: &WriteTx) -> Self {
        Self {
            position: tx.position(),
            watermarks: tx.watermarks(),
        }
    }
}

/// How long a sender that is away is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// Each time so long.
    Each(Duration),
    /// Until then, however often it is away, but for what is done between.
    Until(Instant),
}

impl Patience {
    /// What is left of it after so long in which nobody was waited for.
    pub(super) fn after(self, done: Duration) -> Self {
        match self {
            Self::Each(_) => self,
            Self::Until(end) => Self::Until(end + done),
        }
    }

    /// When the patience ends that begins now.
    pub(super) fn end(self) -> Instant {
        match self {
            Self::Each(time) => Instant::now() + time,
            Self::Until(end) => end,
        }
    }
}

/// A message with its place.
#[derive(Debug, Clone)]
pub(super) struct Fed {
    /// In the own log; 0 in what is followed.
    pub position: i64,
    pub message: Message,
    /// Its size.
    pub bytes: usize,
}

/// What a rebuild folds.
#[derive(Debug, Clone)]
pub enum Feed {
    /// The own log: for domains.
    Own(OwnLog),
    /// The logs of others: for read models.
    Followed(Followed),
}

impl Feed {
    /// The next of it.
    pub(super) async fn next(
        &mut self,
        until: &Target,
        patience: Patience,
    ) -> Result<Vec<Fed>, ReplayError> {
        match self {
            Self::Own(log) => log.next(until).await,
            Self::Followed(followed) => followed.next(until, patience).await,
        }
    }

    /// Whether what was folded is still what the live tables have, as this transaction sees them.
    pub(super) async fn is_as_folded(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), ReplayError> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Followed(followed) => followed.is_as_folded(connection).await,
        }
    }

    /// How far it is, and how far it is to come: in positions, or in messages of all streams.
    pub(super) fn progress(&self, until: &Target) -> (i64, i64) {
        match self {
            Self::Own(log) => (log.at, until.position),
            Self::Followed(followed) => (followed.done(), until.watermarks.values().sum()),
        }
    }
}

/// A log from its beginning.
#[derive(Debug, Clone)]
pub struct OwnLog {
    pool: PgPool,
    schema_ids: SchemaIds,
    at: i64,
}

impl OwnLog {
    /// The log of a database.
    pub fn new(pool: PgPool, schema_ids: SchemaIds) -> Self {
        Self {
            pool,
            schema_ids,
            at: 0,
        }
    }

    pub(super) async fn next(&mut self, until: &Target) -> Result<Vec<Fed>, ReplayError> {
        let wanted = (until.position - self.at).clamp(0, BATCH);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let rows = log::all_after(&self.pool, self.at, wanted).await?;
        let mut fed = Vec::with_capacity(rows.len());
        for row in rows {
            if row.position > until.position {
                break;
            }
            let schema = self.schema_ids.get(&self.pool, row.schema_id).await?;
            let message = schemas::decode(&schema, &row.body);
            let message = message.map_err(|error| ReplayError::Unreadable {
                position: row.position,
                reason: error.to_string(),
            })?;
            self.at = row.position;
            fed.push(Fed {
                position: row.position,
                message,
                bytes: row.body.len(),
            });
        }
        Ok(fed)
    }
}
