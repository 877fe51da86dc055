//! Replay: the states are the fold of the service's own events, so folding its log again must give them.
//!
//! A `Rebuild` folds beside the running service, into copies of its tables in a schema of their own, and compares or
//! swaps them. What it folds is a `Feed`: the own log, or for read models the logs of those that are followed.

mod compare;
mod feed;
mod followed;
mod job;
mod jobs;
mod rebuild;
mod shadow;
mod swap;
mod worker;

pub(crate) use job::{Kind, Order, Phase};
pub(crate) use jobs::{JobRow, find, list};
pub use shadow::unlisted;
pub use swap::note_fold_version;
pub(crate) use swap::{drop_replaced, fold_version, replaced_schemas};
pub use worker::Replays;

use messaging::{
    Context, Decision, DynDomain, FoldError, Lock, Lookups, SchemaIdError, SchemaIds, Unfolded,
    WriteTx, Writer,
};
use sqlx::PgPool;
use uuid::Uuid;

use feed::{Fed, OwnLog, Target};

/// Why a log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A database said so.
    #[error("the database says: {0}")]
    Sql(#[from] sqlx::Error),
    /// A writer schema is unusable.
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    /// An own event cannot be read by this build, or not be applied.
    #[error("position {position} cannot be folded: {reason}")]
    Unreadable {
        /// Where it stands.
        position: i64,
        /// Why.
        reason: String,
    },
    /// A read model has no room for an event.
    #[error("{kind} {id} of {source_name}, number {sequence}: {error}")]
    Unfoldable {
        /// Its type.
        kind: String,
        /// Its id.
        id: Uuid,
        /// Who states it.
        source_name: String,
        /// Its place in its stream; 0 if it has none.
        sequence: i64,
        /// Why.
        error: FoldError,
    },
    /// The log of another service cannot be had.
    #[error("{0}")]
    Sender(String),
    /// A table that a replay does not know what to do with.
    #[error(
        "a table stands in no list or in two, or is missing: {0}; mend the lists of the service's domain"
    )]
    Unlisted(String),
    /// Another one is under way in this database.
    #[error("another replay of this service is under way; wait until it has ended")]
    Busy,
    /// What was folded, or left out, is not what the live tables have.
    #[error(
        "a message went to the retry queue of this service, or left it, while the logs were folded: run it again"
    )]
    RetryQueueChanged,
    /// The database came back without what was made meanwhile.
    #[error("the database was away while the tables were made again: run it again ({0})")]
    Away(sqlx::Error),
    /// The copies are not what a migration made of the live tables.
    #[error("a newer build migrated the database while the tables were made again: run it again")]
    Migrated,
    /// The live tables change faster than they are made again.
    #[error(
        "{0} messages are left to fold, more than may be while everybody waits: run it again at a quieter time"
    )]
    TooFar(i64),
    /// A bug.
    #[error("it panicked; the service's log says where")]
    Panicked,
    /// The service stops.
    #[error("the service stopped before the end; start it again")]
    Stopped,
}

impl From<Unfolded> for ReplayError {
    fn from(unfolded: Unfolded) -> Self {
        match unfolded {
            Unfolded::Sql(error) => Self::Sql(error),
            Unfolded::Event { position, reason } => Self::Unreadable { position, reason },
        }
    }
}

/// Folds the log of one database up to a position, [`i64::MAX`] for the whole of it, into the (empty) state tables of
/// another. Returns how many events there were.
pub async fn replay(
    domain: &dyn DynDomain,
    from: &PgPool,
    from_schemas: &SchemaIds,
    until: i64,
    into: &PgPool,
    writer: &Writer,
) -> Result<u64, ReplayError> {
    let mut log = OwnLog::new(from.clone(), from_schemas.clone());
    let until = Target {
        position: until,
        ..Target::default()
    };
    let mut events = 0;
    loop {
        let batch = log.next(&until).await?;
        if batch.is_empty() {
            return Ok(events);
        }
        let mut tx = WriteTx::begin(into, writer, Lookups::default()).await?;
        events += fold(domain, &mut tx, &batch).await?;
        tx.commit().await?;
    }
}

/// Folds messages into the tables that the transaction sees. Returns how many there were.
async fn fold(domain: &dyn DynDomain, tx: &mut WriteTx, batch: &[Fed]) -> Result<u64, ReplayError> {
    if domain.lock() == Lock::ReadModels {
        let messages: Vec<_> = batch.iter().map(|fed| &fed.message).collect();
        let mut loaded = domain.load(tx, &messages).await?;
        for message in &messages {
            let header = &message.header;
            let context = Context {
                now: header.time,
                header,
            };
            // As when it came: what cannot be read had no effect.
            if matches!(loaded.handle(message, &context), Decision::Noted) {
                let noted = loaded.side_data(message);
                noted.map_err(|error| ReplayError::Unfoldable {
                    kind: header.kind.clone(),
                    id: header.id,
                    source_name: header.source.clone(),
                    sequence: header.sequence.unwrap_or_default(),
                    error,
                })?;
            }
        }
        loaded.save(tx).await?;
        return Ok(batch.len() as u64);
    }
    let events: Vec<_> = batch
        .iter()
        .map(|fed| (fed.position, &fed.message))
        .collect();
    Ok(domain.fold_own(tx, &events).await?)
}
