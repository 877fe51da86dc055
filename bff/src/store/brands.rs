//! `brands`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::BrandId;

use super::Table;

/// A brand. Its name is as it was sealed to us.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct BrandRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) sealed_name: Option<Vec<u8>>,
    pub(crate) currency: Option<String>,
    pub(crate) seen_at: i64,
    pub(crate) changed_at: Option<i64>,
}

impl Table for BrandRow {
    super::row_of!("brands");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "brands" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            currency: text = |r| r.currency.as_deref(),
            seen_at: bigint = |r| r.seen_at,
            changed_at: bigint = |r| r.changed_at,
        } on (id) set (sealed_name, currency, seen_at, changed_at))
        .await
    }
}

/// A brand itself, those whose campaigns a partner may find, or all, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    page: PageQuery,
) -> Result<Vec<BrandRow>, sqlx::Error> {
    super::list(pool, page, |sql| push_seen(sql, scope), &[]).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &BrandId,
) -> Result<Option<BrandRow>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT * FROM brands WHERE id = ");
    sql.push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (id = ")
        .push_bind(scope.brand.map(BrandId::as_str).map(str::to_owned));
    if scope.partner.is_some() {
        sql.push(
            " OR EXISTS (SELECT FROM campaigns c WHERE c.brand_id = brands.id AND c.status <> 'draft')",
        );
    }
    sql.push(")");
}
