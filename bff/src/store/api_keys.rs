//! `api_keys` and `api_key_changes`: a read model of `campaign-events`. What keys open is read by `runtime`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::push_equal;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{ApiKeyId, ApiKeyStatus, BrandId, Micros};

use super::Table;

/// An API key of a brand. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct ApiKeyRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) prefix: String,
    /// By one space.
    pub(crate) scopes: String,
    /// `None`: it was revoked.
    pub(crate) hash: Option<String>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) previous_hash: Option<String>,
    pub(crate) previous_until: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

impl Table for ApiKeyRow {
    super::row_of!("api_keys");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        if rows.is_empty() {
            return Ok(());
        }
        write(tx, rows).await?;
        // Any number but the last: positions say nothing here, since tables that are made again count anew.
        let [high, low] = uuid::Uuid::now_v7().as_u64_pair().into();
        runtime::api_keys_changed(tx.connection(), (high ^ low).cast_signed()).await
    }
}

async fn write(tx: &mut WriteTx, rows: &[ApiKeyRow]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(tx.connection(), rows => "api_keys" numbered by "read_head" {
        id: text = |r| r.id.as_str(),
        brand_id: text = |r| r.brand_id.as_str(),
        prefix: text = |r| r.prefix.as_str(),
        scopes: text = |r| r.scopes.as_str(),
        hash: text = |r| r.hash.as_deref(),
        expires_at: bigint = |r| r.expires_at,
        previous_hash: text = |r| r.previous_hash.as_deref(),
        previous_until: bigint = |r| r.previous_until,
        created_at: bigint = |r| r.created_at,
        changed_at: bigint = |r| r.changed_at,
    } on (id) set (brand_id, prefix, scopes, hash, expires_at, previous_hash, previous_until, created_at, changed_at))
    .await
}

/// Those of a brand, or everybody's, newest first; where it is said, those that are so then.
pub(crate) async fn list(
    pool: &PgPool,
    brand: Option<&BrandId>,
    status: Option<(ApiKeyStatus, Micros)>,
    page: PageQuery,
) -> Result<Vec<ApiKeyRow>, sqlx::Error> {
    let narrowing = [("brand_id", brand.map(BrandId::as_str))];
    let that_are = |sql: &mut QueryBuilder<Postgres>| {
        let Some((status, now)) = status else { return };
        let expired = match status {
            ApiKeyStatus::Revoked => {
                sql.push(" AND hash IS NULL");
                return;
            }
            ApiKeyStatus::Expired => " AND hash IS NOT NULL AND expires_at <= ",
            ApiKeyStatus::Active => {
                " AND hash IS NOT NULL AND coalesce(expires_at, 9223372036854775807) > "
            }
        };
        sql.push(expired).push_bind(now.get());
    };
    super::list(pool, page, that_are, &narrowing).await
}

/// One of a brand, or of anyone.
pub(crate) async fn find(
    pool: &PgPool,
    brand: Option<&BrandId>,
    key: &ApiKeyId,
) -> Result<Option<ApiKeyRow>, sqlx::Error> {
    let brand = [("brand_id", brand.map(BrandId::as_str))];
    ApiKeyRow::find_seen(pool, key.as_str(), |sql| push_equal(sql, &brand)).await
}
