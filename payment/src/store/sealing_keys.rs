//! `aside.sealing_keys`: what details are sealed to. Private halves are encrypted, and deleted when nothing sealed to
//! them can still come.

use messaging::WriteTx;
use sealing::PublicKey;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use types::Micros;

use super::unreadable;

/// A key with its private half, encrypted.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) private: Vec<u8>,
    /// What that is encrypted with, where it is known.
    pub(crate) data_key: Option<Vec<u8>>,
}

/// Reads those of these keys that are still there.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT id, private, data_key FROM aside.sealing_keys WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(connection)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Stored {
                id: row.try_get("id")?,
                private: row.try_get("private")?,
                data_key: row.try_get("data_key")?,
            })
        })
        .collect()
}

/// The key to seal to now, if there is one.
pub(crate) async fn current(pool: &PgPool, now: Micros) -> Result<Option<PublicKey>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, public FROM aside.sealing_keys WHERE not_after > $1 ORDER BY not_after DESC LIMIT 1",
    )
    .bind(now.get())
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let id: String = row.try_get("id")?;
        PublicKey::new(id, row.try_get("public")?).map_err(unreadable)
    })
    .transpose()
}

/// Whether some key is good beyond `then`, and none is wished for that is not made yet. The last one that was published before a restore may be
/// lost, and sealed to all the same until there is one that lasts longer: a raise of the epoch wishes for one.
pub(crate) async fn lasts(
    connection: &mut PgConnection,
    then: Micros,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM aside.sealing_keys
                         WHERE not_after > $1
                           AND created_at > coalesce((SELECT at FROM aside.sealing_key_wish), 0)
                           AND created_at >= (SELECT coalesce(max(raised_at), 0) FROM pipeline.epoch WHERE epoch > 1))",
    )
    .bind(then.get())
    .fetch_one(connection)
    .await
}

/// Wishes for a key that is made after this moment.
pub(crate) async fn wish(tx: &mut WriteTx) -> Result<(), sqlx::Error> {
    let now = tx.now().get();
    sqlx::query(
        "INSERT INTO aside.sealing_key_wish VALUES (true, $1) ON CONFLICT (only_row) DO UPDATE SET at = excluded.at",
    )
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A key as operators see it.
#[derive(Debug, FromRow)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) not_after: i64,
}

/// Every key whose private half is there, the one that lasts longest first.
pub(crate) async fn all(pool: &PgPool) -> Result<Vec<Shown>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, created_at, not_after FROM aside.sealing_keys ORDER BY not_after DESC LIMIT 100",
    )
    .fetch_all(pool)
    .await
}

/// A new key.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) id: &'a str,
    pub(crate) public: &'a [u8],
    pub(crate) private: &'a [u8],
    pub(crate) data_key: &'a [u8],
    pub(crate) created_at: Micros,
    pub(crate) not_after: Micros,
}

/// Adds a key.
pub(crate) async fn insert(connection: &mut PgConnection, new: New<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO aside.sealing_keys (id, public, private, created_at, not_after, data_key)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(new.public)
    .bind(new.private)
    .bind(new.created_at.get())
    .bind(new.not_after.get())
    .bind(new.data_key)
    .execute(connection)
    .await?;
    Ok(())
}

/// Destroys the keys that ended before `then`: what was sealed to them cannot be read any more, in any copy.
pub(crate) async fn destroy(
    connection: &mut PgConnection,
    then: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM aside.sealing_keys WHERE not_after < $1")
        .bind(then.get())
        .execute(connection)
        .await?;
    Ok(())
}
