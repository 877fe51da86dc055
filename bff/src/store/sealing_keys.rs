//! `sealing_keys`: what payment details may be sealed to, as payment published it.

use messaging::WriteTx;
use sqlx::{PgPool, Row};
use types::Micros;

/// A published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealingKey {
    pub(crate) id: String,
    pub(crate) public_key: Vec<u8>,
    pub(crate) not_after: Micros,
    pub(crate) published_at: Micros,
}

/// Notes published keys; one of an id that is known replaces it.
pub(crate) async fn upsert(tx: &mut WriteTx, keys: &[SealingKey]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(tx.connection(), keys => "sealing_keys" {
        id: text = |k| k.id.as_str(),
        public_key: bytea = |k| k.public_key.as_slice(),
        not_after: bigint = |k| k.not_after.get(),
        published_at: bigint = |k| k.published_at.get(),
    } on (id) set (public_key, not_after, published_at))
    .await
}

/// The key to seal to: the one that lasts longest of those that are good at `now`.
pub(crate) async fn current(
    pool: &PgPool,
    now: Micros,
) -> Result<Option<(String, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, public_key FROM sealing_keys WHERE not_after > $1 ORDER BY not_after DESC, id LIMIT 1",
    )
    .bind(now.get())
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((row.try_get("id")?, row.try_get("public_key")?)))
        .transpose()
}
