//! Brands as they are seen, at the bff and at campaign: both have the tables `brands` and `campaigns`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use sealing::texts;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::BrandId;

use crate::lists;

/// A brand. Its name is as it was sealed to us.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
#[allow(missing_docs, reason = "the table's columns")]
pub struct BrandRow {
    pub id: String,
    pub position: i64,
    pub sealed_name: Option<Vec<u8>>,
    pub currency: Option<String>,
    pub seen_at: i64,
    pub changed_at: Option<i64>,
}

impl BrandRow {
    /// What people call it, as far as that can be read.
    pub fn name(&self) -> Option<String> {
        let id = BrandId::parse(self.id.as_str()).ok()?;
        texts::open(&texts::of_brands_name(&id), self.sealed_name.as_deref()?)
    }
}

/// A page, newest first: a brand itself, for a partner those whose campaigns it may find, for operators all.
///
/// # Errors
///
/// The database's.
pub async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    page: PageQuery,
) -> Result<Vec<BrandRow>, sqlx::Error> {
    let all = ("SELECT b.* FROM brands b", "b.position");
    lists::list(pool, all, page, |sql| push_seen(sql, scope), &[]).await
}

/// One of them, when this caller may see it.
///
/// # Errors
///
/// The database's.
pub async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &BrandId,
) -> Result<Option<BrandRow>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT b.* FROM brands b WHERE b.id = ");
    sql.push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (b.id = ")
        .push_bind(scope.brand.map(BrandId::as_str));
    if scope.partner.is_some() {
        sql.push(
            " OR EXISTS (SELECT FROM campaigns c WHERE c.brand_id = b.id AND c.status <> 'draft')",
        );
    }
    sql.push(")");
}
