//! `links`: a read model of `tracking-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{BrandId, CampaignId, PartnerId};

use super::Table;

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
    sqlx::query_as(
        "SELECT l.* FROM links l LEFT JOIN campaigns c ON c.id = l.campaign_id
          WHERE l.position < $1 AND ($2 OR l.partner_id = $3 OR c.brand_id = $4)
            AND ($5::text IS NULL OR l.campaign_id = $5) AND ($6::text IS NULL OR l.partner_id = $6)
          ORDER BY l.position DESC LIMIT $7",
    )
    .bind(page.below())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(campaign.map(CampaignId::as_str))
    .bind(partner.map(PartnerId::as_str))
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
