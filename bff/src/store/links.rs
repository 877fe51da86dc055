//! `links`: a read model of `tracking-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{CampaignId, PartnerId};

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
}

impl Table for LinkRow {
    const NAME: &'static str = "links";

    fn id(&self) -> &str {
        &self.id
    }

    fn position(&self) -> i64 {
        self.position
    }

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "links" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            target_url: text = |r| r.target_url.as_str(),
            created_at: bigint = |r| r.created_at,
        } on (id) set (target_url))
        .await
    }
}

/// A partner's own, those of a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    campaign: Option<&CampaignId>,
    partner: Option<&PartnerId>,
    page: PageQuery,
) -> Result<Vec<LinkRow>, sqlx::Error> {
    let narrowing = [
        ("campaign_id", campaign.map(CampaignId::as_str)),
        ("partner_id", partner.map(PartnerId::as_str)),
    ];
    let seen = seen_by(scope, ITS_CAMPAIGNS_BRAND);
    super::list(pool, page, seen, &narrowing).await
}
