//! `evidence`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{CampaignId, PartnerId};

use super::{ITS_CAMPAIGNS_BRAND, Table, seen_by};

/// A piece of evidence, without the file's address, which no event carries.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct EvidenceRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) evidence_type: String,
    pub(crate) url_hash: String,
    pub(crate) submitted_at: i64,
}

impl Table for EvidenceRow {
    const NAME: &'static str = "evidence";

    fn id(&self) -> &str {
        &self.id
    }

    fn position(&self) -> i64 {
        self.position
    }

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "evidence" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            evidence_type: text = |r| r.evidence_type.as_str(),
            url_hash: text = |r| r.url_hash.as_str(),
            submitted_at: bigint = |r| r.submitted_at,
        } on (id) set (submitted_at))
        .await
    }
}

/// A partner's own, those in a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    campaign: Option<&CampaignId>,
    partner: Option<&PartnerId>,
    page: PageQuery,
) -> Result<Vec<EvidenceRow>, sqlx::Error> {
    let narrowing = [
        ("campaign_id", campaign.map(CampaignId::as_str)),
        ("partner_id", partner.map(PartnerId::as_str)),
    ];
    let seen = seen_by(scope, ITS_CAMPAIGNS_BRAND);
    super::list(pool, page, seen, &narrowing).await
}
