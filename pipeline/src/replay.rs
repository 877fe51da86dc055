//! Replay: the states are the fold of the service's own events, so folding its log again must give them.

use sqlx::PgPool;

use crate::domain::{Domain, Recorded};
use crate::log;
use crate::schema_ids::{SchemaIdError, SchemaIds};
use crate::tx::{Asked, WriteTx, Writer};

/// Why a log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A writer schema is unusable.
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    /// An own event cannot be read by this build.
    #[error("position {position} cannot be read: {reason}")]
    Unreadable {
        /// Where it stands.
        position: i64,
        /// Why.
        reason: String,
    },
}

/// Folds the whole log of one database into the (empty) state tables of another. Returns how many events there were.
pub async fn replay<D: Domain>(
    domain: &D,
    from: &PgPool,
    from_schemas: &SchemaIds,
    into: &PgPool,
    writer: &Writer,
) -> Result<u64, ReplayError> {
    let (mut at, mut events) = (0, 0);
    loop {
        let rows = log::all_after(from, at, 500).await?;
        if rows.is_empty() {
            return Ok(events);
        }
        let mut messages = Vec::with_capacity(rows.len());
        for row in &rows {
            at = row.position;
            let schema = from_schemas.get(from, row.schema_id).await?;
            let message =
                schemas::decode(&schema, &row.body).map_err(|error| ReplayError::Unreadable {
                    position: row.position,
                    reason: error.to_string(),
                })?;
            if let Some(event) = domain.own_event(&message) {
                messages.push((row.position, message, event));
            }
        }
        let mut tx = WriteTx::begin(into, writer, Asked::default()).await?;
        let all: Vec<_> = messages.iter().map(|(_, message, _)| message).collect();
        let mut world = domain.load(&mut tx, &all).await?;
        for (position, message, event) in &messages {
            let recorded = Recorded {
                event,
                id: message.header.id,
                time: message.header.time,
                position: *position,
            };
            domain.evolve(&mut world, &recorded);
            events += 1;
        }
        domain.save(&mut tx, world).await?;
        tx.commit().await?;
    }
}
