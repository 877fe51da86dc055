//! The dry run of a message that is in the retry queue: what handling it would come to now.

use bytes::Bytes;
use messaging::retry_queue::RetryRow;
use messaging::trust::Vouching;
use messaging::{DryRun, DryRunResult, Hint, Inbound, SchemaIds, Wire};
use schemas::WriterSchema;
use serde_json::Value;
use sqlx::PgPool;

use super::acts::{self, ActError, edited_bytes};

/// Handles a row, with an edited payload or its own, as if it were due and first of its subject. Nothing of it stays.
pub async fn run(
    engine: &dyn DryRun,
    pool: &PgPool,
    schema_ids: &SchemaIds,
    row: &RetryRow,
    payload: Option<Value>,
) -> Result<DryRunResult, ActError> {
    let mut inbound = acts::inbound(pool, schema_ids, row).await?;
    if let Some(payload) = payload {
        let bytes = Bytes::from(edited_bytes(&inbound, payload)?);
        inbound = reread(inbound, bytes);
    }
    Ok(engine.dry_run(inbound).await)
}

/// The same row with other bytes, written with this build's schema.
fn reread(inbound: Inbound, bytes: Bytes) -> Inbound {
    let wire = Wire {
        schema: WriterSchema::current(inbound.topic),
        bytes,
    };
    let fresh = Inbound::read(
        inbound.topic,
        0,
        wire,
        || inbound.id,
        &Hint::default(),
        Vouching::Transport(&inbound.sender),
    );
    Inbound {
        content: fresh.content,
        wire: fresh.wire,
        ..inbound
    }
}
