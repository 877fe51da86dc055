//! `erasures`: those that have deleted keys, and `erased_partners`: when somebody was erased last. Side tables: folded again, an
//! erasure deletes nothing that was made since. Nor does one that a restored campaign decides again.

use messaging::WriteTx;
use uuid::Uuid;

/// An erasure of a partner, by its event.
#[derive(Debug)]
pub(crate) struct Erasure {
    pub(crate) event: Uuid,
    /// What its event is called in each epoch, where that is not the first.
    pub(crate) earlier: Vec<Uuid>,
    pub(crate) partner: String,
    pub(crate) at: i64,
}

/// Deletes the keys of partners whose erasure is folded here for the first time.
pub(crate) async fn apply(tx: &mut WriteTx, erasures: &[Erasure]) -> Result<(), sqlx::Error> {
    let earlier = erasures.iter().flat_map(|erasure| erasure.earlier.iter());
    let earlier: Vec<Uuid> = earlier.copied().collect();
    let known: Vec<Uuid> = if earlier.is_empty() {
        Vec::new()
    } else {
        sqlx::query_scalar("SELECT event_id FROM erasures WHERE event_id = ANY($1)")
            .bind(earlier)
            .fetch_all(tx.connection())
            .await?
    };
    let is_known = |erasure: &Erasure| erasure.earlier.iter().any(|id| known.contains(id));
    let erasures: Vec<&Erasure> = erasures.iter().filter(|it| !is_known(it)).collect();
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
    let partners = erasures.iter().map(|erasure| erasure.partner.as_str());
    sqlx::query(
        "INSERT INTO erased_partners SELECT p, max(at) FROM unnest($1::text[], $2::bigint[]) AS e (p, at) GROUP BY p
         ON CONFLICT (partner_id) DO UPDATE SET erased_at = greatest(erased_partners.erased_at, excluded.erased_at)",
    )
    .bind(partners.collect::<Vec<_>>())
    .bind(erasures.iter().map(|erasure| erasure.at).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    let new = erasures
        .iter()
        .filter(|erasure| new.contains(&erasure.event));
    let partners: Vec<&str> = new.map(|erasure| erasure.partner.as_str()).collect();
    runtime::erase_personal_keys(tx.connection(), &partners).await
}
