//! `memberships`: which group of a brand a partner was moved to last.

use runtime::column;
use sqlx::{FromRow, PgConnection};
use types::{BrandId, GroupId, MembershipId, PartnerId};

use crate::domain::Membership;

/// A row as it stands.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    position: i64,
    brand_id: String,
    partner_id: String,
    group_id: String,
}

impl TryFrom<Row> for Membership {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: column("id", MembershipId::parse(row.id))?,
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            partner: column("partner_id", PartnerId::parse(row.partner_id))?,
            group: column("group_id", GroupId::parse(row.group_id))?,
            position: row.position,
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Membership>, sqlx::Error> {
    let sql = "SELECT * FROM memberships WHERE id = ANY($1)";
    runtime::load::<Row, _>(connection, sql, ids).await
}

/// Writes memberships as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    memberships: &[&Membership],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, memberships => "memberships" {
        id: text = |m| m.id.to_string(),
        position: bigint = |m| m.position,
        brand_id: text = |m| m.brand.to_string(),
        partner_id: text = |m| m.partner.to_string(),
        group_id: text = |m| m.group.to_string(),
    } on (id) set (group_id))
    .await
}
