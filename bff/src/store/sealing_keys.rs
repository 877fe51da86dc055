//! `sealing_keys`: what payment details may be sealed to, as payment published it.

use money::Micros;
use pipeline::WriteTx;
use sqlx::{PgPool, Row};

use super::each;

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
    sqlx::query(
        "INSERT INTO sealing_keys (id, public_key, not_after, published_at)
         SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::bigint[], $4::bigint[])
         ON CONFLICT (id) DO UPDATE
            SET public_key = excluded.public_key, not_after = excluded.not_after, published_at = excluded.published_at",
    )
    .bind(each(keys, |k| k.id.as_str()))
    .bind(each(keys, |k| k.public_key.as_slice()))
    .bind(each(keys, |k| k.not_after.get()))
    .bind(each(keys, |k| k.published_at.get()))
    .execute(tx.connection())
    .await?;
    Ok(())
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
