//! The API keys that a service knows, in three tables that each service has that takes them: `api_keys` and `api_key_changes` are
//! folds of its own, `api_key_uses` is noted beside.

use std::collections::HashMap;

use chassis::auth::{ApiKey, ApiKeyTable, LookUp};
use sqlx::{FromRow, PgConnection, PgPool};
use types::{ApiKeyId, ApiKeyScope, BrandId, Micros};

/// The tables of this database.
pub(crate) struct Rows(pub(crate) PgPool);

#[derive(FromRow)]
struct Row {
    id: String,
    brand_id: String,
    scopes: String,
    hash: String,
    expires_at: Option<i64>,
    previous_hash: Option<String>,
    previous_until: Option<i64>,
}

impl Row {
    /// The key. A scope of a later build opens nothing here.
    fn key(self) -> Result<ApiKey, String> {
        let scopes = self.scopes.split(' ').filter_map(ApiKeyScope::parse);
        let previous = self.previous_hash.zip(self.previous_until.map(Micros));
        Ok(ApiKey {
            id: ApiKeyId::parse(self.id).map_err(|error| error.to_string())?,
            brand: BrandId::parse(self.brand_id).map_err(|error| error.to_string())?,
            scopes: scopes.collect(),
            hash: self.hash,
            previous,
            expires_at: self.expires_at.map(Micros),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn failed(error: sqlx::Error) -> String {
    error.to_string()
}

impl ApiKeyTable for Rows {
    fn change(&self) -> LookUp<'_, Option<i64>> {
        Box::pin(async {
            sqlx::query_scalar("SELECT change FROM api_key_changes")
                .fetch_optional(&self.0)
                .await
                .map_err(failed)
        })
    }

    fn keys(&self) -> LookUp<'_, Vec<ApiKey>> {
        Box::pin(async {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT id, brand_id, scopes, hash, expires_at, previous_hash, previous_until
                   FROM api_keys WHERE hash IS NOT NULL ORDER BY position",
            )
            .fetch_all(&self.0)
            .await
            .map_err(failed)?;
            rows.into_iter().map(Row::key).collect()
        })
    }

    /// Of several processes one notes it each minute.
    fn used<'a>(&'a self, key: &'a ApiKeyId, at: Micros) -> LookUp<'a, ()> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO api_key_uses (key_id, last_used_at) VALUES ($1, $2)
                 ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
                  WHERE api_key_uses.last_used_at <= excluded.last_used_at - 60000000",
            )
            .bind(key.as_str())
            .bind(at.get())
            .execute(&self.0)
            .await
            .map(|_| ())
            .map_err(failed)
        })
    }
}

/// A key of this database that was not revoked.
pub async fn api_key(pool: &PgPool, id: &ApiKeyId) -> Result<Option<ApiKey>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, brand_id, scopes, hash, expires_at, previous_hash, previous_until
           FROM api_keys WHERE id = $1 AND hash IS NOT NULL",
    )
    .bind(id.as_str())
    .fetch_optional(pool)
    .await?;
    let unreadable = |error: String| sqlx::Error::Decode(error.into());
    row.map(|row| row.key().map_err(unreadable)).transpose()
}

/// Says that keys have changed, to every process that remembers some: by a number that is another after each change.
pub async fn api_keys_changed(
    connection: &mut PgConnection,
    change: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO api_key_changes (only_row, change) VALUES (true, $1)
         ON CONFLICT (only_row) DO UPDATE SET change = excluded.change",
    )
    .bind(change)
    .execute(connection)
    .await
    .map(|_| ())
}

/// When these keys were last used here, of those that were.
pub async fn api_key_uses(
    pool: &PgPool,
    keys: &[&str],
) -> Result<HashMap<String, Micros>, sqlx::Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT key_id, last_used_at FROM api_key_uses WHERE key_id = ANY($1)")
            .bind(keys)
            .fetch_all(pool)
            .await?;
    let uses = rows.into_iter().map(|(key, at)| (key, Micros(at)));
    Ok(uses.collect())
}
