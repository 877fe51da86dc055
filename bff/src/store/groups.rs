//! `groups`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{BrandId, GroupId, GroupStatus};

use super::Table;

/// A brand's group. Its name is as it was sealed to us.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct GroupRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) sealed_name: Option<Vec<u8>>,
    pub(crate) link_limit: Option<i32>,
    pub(crate) status: String,
    pub(crate) created_at: i64,
}

impl Table for GroupRow {
    const NAME: &'static str = "groups";

    fn id(&self) -> &str {
        &self.id
    }

    fn position(&self) -> i64 {
        self.position
    }

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "groups" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            link_limit: int = |r| r.link_limit,
            status: text = |r| r.status.as_str(),
            created_at: bigint = |r| r.created_at,
        } on (id) set (sealed_name, link_limit, status))
        .await
    }
}

/// The default group of a brand, as it comes with the brand. A row that is there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct DefaultGroupRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) created_at: i64,
}

impl Table for DefaultGroupRow {
    const NAME: &'static str = GroupRow::NAME;

    fn id(&self) -> &str {
        &self.id
    }

    fn position(&self) -> i64 {
        self.position
    }

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "groups" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            status: text = |_| GroupStatus::Active.name(),
            created_at: bigint = |r| r.created_at,
        } on (id) set (brand_id))
        .await
    }
}

/// A brand's own, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    brand: Option<&BrandId>,
    status: Option<GroupStatus>,
    page: PageQuery,
) -> Result<Vec<GroupRow>, sqlx::Error> {
    let narrowing = [
        ("brand_id", brand.map(BrandId::as_str)),
        ("status", status.map(GroupStatus::name)),
    ];
    super::list(pool, page, |sql| push_seen(sql, scope), &narrowing).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &GroupId,
) -> Result<Option<GroupRow>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT * FROM groups WHERE id = ");
    sql.push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if !scope.all {
        sql.push(" AND brand_id = ")
            .push_bind(scope.brand.map(BrandId::as_str).map(str::to_owned));
    }
}
