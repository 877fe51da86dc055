//! `groups`: a read model of `campaign-events`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::push_equal;
use sqlx::{FromRow, PgPool};
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
    super::row_of!("groups");

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

/// The default group of a brand, as it comes with the brand. A row that is there stays as it is, but for an earlier time.
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
        } on (id) set (created_at) "WHERE groups.created_at > excluded.created_at")
        .await
    }
}

/// A brand's own, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    brand: Option<&BrandId>,
    status: Option<GroupStatus>,
    page: PageQuery,
) -> Result<Vec<GroupRow>, sqlx::Error> {
    let narrowing = [
        ("brand_id", brand.map(BrandId::as_str)),
        ("status", status.map(GroupStatus::name)),
    ];
    super::list(pool, page, |_| {}, &narrowing).await
}

/// One of a brand, or of anyone.
pub(crate) async fn find(
    pool: &PgPool,
    brand: Option<&BrandId>,
    id: &GroupId,
) -> Result<Option<GroupRow>, sqlx::Error> {
    let brand = [("brand_id", brand.map(BrandId::as_str))];
    GroupRow::find_seen(pool, id.as_str(), |sql| push_equal(sql, &brand)).await
}
