//! `links`: a read model of `tracking-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use schemas::Utm;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use types::{LinkCode, LinkStatus};

use super::of_campaigns::{self, Named, To};
use super::{ITS_CAMPAIGNS_BRAND, Table, seen_by};

/// A partner's link.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct LinkRow {
    /// Its code.
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) target_url: String,
    pub(crate) created_at: i64,
    pub(crate) status: String,
    pub(crate) disabled_by: Option<String>,
    pub(crate) utm: Option<Json<Utm>>,
    pub(crate) deep_paths: bool,
}

impl Table for LinkRow {
    super::row_of!("links");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "links" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            target_url: text = |r| r.target_url.as_str(),
            created_at: bigint = |r| r.created_at,
            status: text = |r| r.status.as_str(),
            disabled_by: text = |r| r.disabled_by.as_deref(),
            utm: jsonb = |r| r.utm.as_ref(),
            deep_paths: boolean = |r| r.deep_paths,
        } on (id) set (campaign_id, partner_id, target_url, created_at, status, disabled_by, utm, deep_paths))
        .await
    }
}

/// A partner's own, those of a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    status: Option<LinkStatus>,
    page: PageQuery,
) -> Result<Vec<LinkRow>, sqlx::Error> {
    let that_stand_so = in_state("status", status.map(LinkStatus::name));
    of_campaigns::list(pool, scope, of, page, Named::ByCampaign, that_stand_so).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    code: &LinkCode,
) -> Result<Option<LinkRow>, sqlx::Error> {
    LinkRow::find_seen(pool, code.as_str(), seen_by(scope, ITS_CAMPAIGNS_BRAND)).await
}
