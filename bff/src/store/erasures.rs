//! `erasures`: those that have deleted keys. A side table: folded again, an erasure deletes nothing that was made since.

use messaging::WriteTx;
use uuid::Uuid;

/// An erasure of a partner, by its event.
#[derive(Debug)]
pub(crate) struct Erasure {
    pub(crate) event: Uuid,
    pub(crate) partner: String,
}

/// Deletes the keys of partners whose erasure is folded here for the first time.
pub(crate) async fn apply(tx: &mut WriteTx, erasures: &[Erasure]) -> Result<(), sqlx::Error> {
    if erasures.is_empty() {
        return Ok(());
    }
    let events: Vec<Uuid> = erasures.iter().map(|erasure| erasure.event).collect();
    let new: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO erasures (event_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id",
    )
    .bind(events)
    .fetch_all(tx.connection())
    .await?;
    let new = erasures
        .iter()
        .filter(|erasure| new.contains(&erasure.event));
    let partners: Vec<&str> = new.map(|erasure| erasure.partner.as_str()).collect();
    runtime::erase_personal_keys(tx.connection(), &partners).await
}
