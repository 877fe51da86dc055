//! `bans`: a read model of `campaign-events`.

use api::BanFilter;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{BrandId, PartnerId, PartnerStatus};

use super::{ITS_BRAND, Table, seen_by};

/// What a brand, or an operator, holds of a partner. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct BanRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    /// `None`: everywhere.
    pub(crate) brand_id: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) since: i64,
}

impl Table for BanRow {
    super::row_of!("bans");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "bans" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            brand_id: text = |r| r.brand_id.as_deref(),
            status: text = |r| r.status.as_str(),
            reason: text = |r| r.reason.as_deref(),
            since: bigint = |r| r.since,
        } on (id) set (status, reason, since))
        .await
    }
}

/// Those of a partner, a brand's own or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    filter: &BanFilter,
    page: PageQuery,
) -> Result<Vec<BanRow>, sqlx::Error> {
    let narrowing = [
        (
            "partner_id",
            filter.partner_id.as_ref().map(PartnerId::as_str),
        ),
        ("brand_id", filter.brand_id.as_ref().map(BrandId::as_str)),
        ("status", filter.status.map(PartnerStatus::name)),
    ];
    super::list(pool, page, seen_by(scope, ITS_BRAND), &narrowing).await
}
