//! `bans`: whom brands and operators keep out of campaigns.

use api::BanFilter;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::column;
use runtime::lists::{self, seen_by};
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{BanId, BrandId, Micros, PartnerId, PartnerStatus, RefusalReason};

use crate::domain::Ban;

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub partner_id: String,
    pub brand_id: Option<String>,
    pub status: String,
    pub reason: Option<String>,
    pub since: i64,
}

impl TryFrom<Row> for Ban {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let reason = row.reason.as_deref();
        let reason = reason.map(|name| RefusalReason::parse(name).ok_or(()));
        Ok(Self {
            id: column("id", BanId::parse(row.id))?,
            partner: column("partner_id", PartnerId::parse(row.partner_id))?,
            brand: column("brand_id", row.brand_id.map(BrandId::parse).transpose())?,
            status: column("status", PartnerStatus::parse(&row.status).ok_or(()))?,
            reason: column("reason", reason.transpose())?,
            since: Micros(row.since),
            position: row.position,
        })
    }
}

/// All bans of these partners: of one there are as many at most as brands.
pub(crate) async fn load(
    connection: &mut PgConnection,
    partners: &[String],
) -> Result<Vec<Ban>, sqlx::Error> {
    let sql = "SELECT * FROM bans WHERE partner_id = ANY($1)";
    runtime::load::<Row, _>(connection, sql, partners).await
}

/// Writes bans as they stand now.
pub(crate) async fn save(connection: &mut PgConnection, bans: &[&Ban]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, bans => "bans" {
        id: text = |ban| ban.id.to_string(),
        position: bigint = |ban| ban.position,
        partner_id: text = |ban| ban.partner.to_string(),
        brand_id: text = |ban| ban.brand.as_ref().map(BrandId::as_str),
        status: text = |ban| ban.status.name(),
        reason: text = |ban| ban.reason.map(RefusalReason::name),
        since: bigint = |ban| ban.since.get(),
    } on (id) set (status, reason, since))
    .await
}

/// A page of the bans that this caller may see, newest first: a partner those of itself, a brand its own.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    filter: &BanFilter,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    let narrowing = [
        (
            "partner_id",
            filter.partner_id.as_ref().map(PartnerId::as_str),
        ),
        ("brand_id", filter.brand_id.as_ref().map(BrandId::as_str)),
        ("status", filter.status.map(PartnerStatus::name)),
    ];
    let seen = seen_by(scope, "partner_id = ", ("brand_id = ", ""));
    lists::list(
        executor,
        ("SELECT * FROM bans", "position"),
        page,
        seen,
        &narrowing,
    )
    .await
}
