//! `api_keys`: the keys of brands, without their secrets.

use chassis::page::PageQuery;
use runtime::{column, lists};
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{ApiKeyId, ApiKeyScope, BrandId, Micros};

use crate::domain::ApiKey;

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub brand_id: String,
    pub prefix: String,
    pub hash: Option<String>,
    pub scopes: String,
    pub expires_at: Option<i64>,
    pub created_at: i64,
    pub changed_at: i64,
}

impl TryFrom<Row> for ApiKey {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let scopes = row.scopes.split(' ').map(ApiKeyScope::parse);
        let scopes: Option<Vec<_>> = scopes.collect();
        Ok(Self {
            id: column("id", ApiKeyId::parse(row.id))?,
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            prefix: row.prefix,
            hash: row.hash,
            scopes: column("scopes", scopes.ok_or(()))?,
            expires_at: row.expires_at.map(Micros),
            created_at: Micros(row.created_at),
            changed_at: Micros(row.changed_at),
            position: row.position,
        })
    }
}

/// These keys, and those of these brands that are not revoked, of which there are not many.
pub(crate) async fn load(
    connection: &mut PgConnection,
    keys: &[String],
    brands: &[String],
) -> Result<Vec<ApiKey>, sqlx::Error> {
    if keys.is_empty() && brands.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM api_keys WHERE id = ANY($1) OR (brand_id = ANY($2) AND status = 'active')",
    )
    .bind(keys)
    .bind(brands)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Writes keys as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    keys: &[&ApiKey],
) -> Result<(), sqlx::Error> {
    let status = |key: &&ApiKey| match key.hash {
        Some(_) => "active",
        None => "revoked",
    };
    messaging::insert_rows!(connection, keys => "api_keys" {
        id: text = |key| key.id.to_string(),
        position: bigint = |key| key.position,
        brand_id: text = |key| key.brand.to_string(),
        prefix: text = |key| key.prefix.clone(),
        hash: text = |key| key.hash.clone(),
        scopes: text = |key| ApiKeyScope::join(&key.scopes),
        expires_at: bigint = |key| key.expires_at.map(Micros::get),
        status: text = status,
        created_at: bigint = |key| key.created_at.get(),
        changed_at: bigint = |key| key.changed_at.get(),
    } on (id) set (prefix, hash, status, changed_at))
    .await
}

/// A page of the keys of a brand, or of all (`None`), newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    let narrowing = [("brand_id", brand.map(BrandId::as_str))];
    let all = ("SELECT * FROM api_keys", "position");
    lists::list(executor, all, page, |_| {}, &narrowing).await
}

/// A key of a brand, or of anyone (`None`).
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    key: &ApiKeyId,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM api_keys WHERE id = $1 AND ($2::text IS NULL OR brand_id = $2)")
        .bind(key.as_str())
        .bind(brand.map(BrandId::as_str))
        .fetch_optional(executor)
        .await
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read};

    use super::*;
    use crate::CampaignDomain;

    #[tokio::test]
    async fn of_a_brand_with_very_many_revoked_keys_those_that_are_not_are_read_alone() {
        let service = TestService::start::<CampaignDomain>(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO api_keys (id, position, brand_id, prefix, hash, scopes, status, created_at, changed_at)
             SELECT 'key_' || n, n, 'brand1', 'p', CASE n WHEN 0 THEN 'h' END, 'reports.read', CASE n WHEN 0 THEN 'active' ELSE 'revoked' END, n, n
               FROM generate_series(0, 19999) n;
             ANALYZE api_keys",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let found = load(&mut tx, &["key_7".to_owned()], &["brand1".to_owned()]).await;
        assert_eq!(found.unwrap().len(), 2);
        let read = rows_read(&mut tx, "api_keys").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
