//! `brands`: brands themselves.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, lists};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use types::{BrandId, Currency, Micros};

use crate::domain::{Brand, Place};

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub sealed_name: Option<Vec<u8>>,
    pub currency: Option<String>,
    pub seen_at: i64,
    pub changed_at: Option<i64>,
}

impl TryFrom<Row> for Brand {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let currency = row.currency.as_deref().map(Currency::parse);
        Ok(Self {
            id: column("id", BrandId::parse(row.id))?,
            sealed_name: row.sealed_name,
            currency: column("currency", currency.transpose())?,
            seen: Place {
                time: Micros(row.seen_at),
                position: row.position,
            },
            changed_at: row.changed_at.map(Micros),
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Brand>, sqlx::Error> {
    let sql = "SELECT * FROM brands WHERE id = ANY($1)";
    runtime::load::<Row, _>(connection, sql, ids).await
}

/// Writes brands as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    brands: &[&Brand],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, brands => "brands" {
        id: text = |b| b.id.to_string(),
        position: bigint = |b| b.seen.position,
        sealed_name: bytea = |b| b.sealed_name.clone(),
        currency: text = |b| b.currency.map(Currency::code),
        seen_at: bigint = |b| b.seen.time.get(),
        changed_at: bigint = |b| b.changed_at.map(Micros::get),
    } on (id) set (sealed_name, currency, changed_at))
    .await
}

/// A page of the brands that this caller may see, newest first: a brand itself, a partner those whose campaigns it may find.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    let all = ("SELECT b.* FROM brands b", "b.position");
    lists::list(executor, all, page, |sql| push_seen(sql, scope), &[]).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    id: &BrandId,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT b.* FROM brands b WHERE b.id = ");
    sql.push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(executor).await
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (b.id = ")
        .push_bind(scope.brand.map(BrandId::as_str).map(str::to_owned));
    if scope.partner.is_some() {
        sql.push(
            " OR EXISTS (SELECT FROM campaigns c WHERE c.brand_id = b.id AND c.status <> 'draft')",
        );
    }
    sql.push(")");
}
