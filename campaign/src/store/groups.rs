//! `groups`: partners that a brand treats alike.

use std::collections::HashMap;

use chassis::page::PageQuery;
use runtime::{column, lists};
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{BrandId, GroupId, GroupStatus, Micros};

use crate::domain::{Group, Place};

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub number: i64,
    pub brand_id: String,
    pub sealed_name: Option<Vec<u8>>,
    pub link_limit: Option<i32>,
    pub status: String,
    pub created_at: i64,
}

impl TryFrom<Row> for Group {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: column("id", GroupId::parse(row.id))?,
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            sealed_name: row.sealed_name,
            link_limit: row.link_limit,
            status: column("status", GroupStatus::parse(&row.status).ok_or(()))?,
            created: Place {
                time: Micros(row.created_at),
                position: row.position,
            },
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Group>, sqlx::Error> {
    let sql = "SELECT * FROM groups WHERE id = ANY($1)";
    runtime::load::<Row, _>(connection, sql, ids).await
}

/// How many groups each of these brands has, with the default one and those that are archived, as far as `most`.
pub(crate) async fn count(
    connection: &mut PgConnection,
    brands: &[String],
    most: usize,
) -> Result<HashMap<BrandId, usize>, sqlx::Error> {
    if brands.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT b.id, (SELECT count(*) FROM (SELECT FROM groups WHERE brand_id = b.id LIMIT $2) g)
           FROM UNNEST($1::text[]) AS b (id)",
    )
    .bind(brands)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter().map(|(brand, groups)| {
        let brand = column("brand_id", BrandId::parse(brand))?;
        Ok((brand, usize::try_from(groups).unwrap_or_default()))
    });
    rows.collect()
}

/// Writes groups as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    groups: &[&Group],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, groups => "groups" {
        id: text = |g| g.id.to_string(),
        position: bigint = |g| g.created.position,
        number: bigint = |g| g.number(),
        brand_id: text = |g| g.brand.to_string(),
        sealed_name: bytea = |g| g.sealed_name.clone(),
        link_limit: int = |g| g.link_limit,
        status: text = |g| g.status.name(),
        created_at: bigint = |g| g.created.time.get(),
    } on (id) set (sealed_name, link_limit, status))
    .await
}

/// A page of a brand's groups, or of everybody's, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    status: Option<GroupStatus>,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    let narrowing = [
        ("brand_id", brand.map(BrandId::as_str)),
        ("status", status.map(GroupStatus::name)),
    ];
    let all = ("SELECT * FROM groups", "number");
    lists::list(executor, all, page, |_| {}, &narrowing).await
}

/// One of a brand, or of anyone.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    id: &GroupId,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM groups WHERE id = $1 AND ($2::text IS NULL OR brand_id = $2)")
        .bind(id.as_str())
        .bind(brand.map(BrandId::as_str))
        .fetch_optional(executor)
        .await
}
