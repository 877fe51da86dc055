//! `terms`: a read model of `campaign-events`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use sealing::texts;
use sqlx::{FromRow, PgPool};
use types::CampaignId;

use super::Table;

/// A version of a campaign's terms. Flat amounts are minor units of the campaign's currency, times microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct TermsRow {
    /// Campaign and version.
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) campaign_id: String,
    pub(crate) version: i32,
    pub(crate) window_days: i32,
    pub(crate) sale_bps: Option<i32>,
    pub(crate) sale_flat: Option<i64>,
    pub(crate) lead_bps: Option<i32>,
    pub(crate) lead_flat: Option<i64>,
    pub(crate) hold_days: i32,
    pub(crate) effective_at: i64,
    pub(crate) text_hash: Option<String>,
    pub(crate) worsens: Option<bool>,
    pub(crate) sealed_text: Option<Vec<u8>>,
}

impl TermsRow {
    /// The terms as partners read them, as far as that can be read.
    pub(crate) fn text(&self) -> Option<String> {
        let campaign = CampaignId::parse(self.campaign_id.as_str()).ok()?;
        texts::open(&texts::of_terms(&campaign), self.sealed_text.as_deref()?)
    }
}

impl Table for TermsRow {
    super::row_of!("terms");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "terms" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            version: int = |r| r.version,
            window_days: int = |r| r.window_days,
            sale_bps: int = |r| r.sale_bps,
            sale_flat: bigint = |r| r.sale_flat,
            lead_bps: int = |r| r.lead_bps,
            lead_flat: bigint = |r| r.lead_flat,
            hold_days: int = |r| r.hold_days,
            effective_at: bigint = |r| r.effective_at,
            text_hash: text = |r| r.text_hash.as_deref(),
            worsens: boolean = |r| r.worsens,
            sealed_text: bytea = |r| r.sealed_text.as_deref(),
        } on (id) set (window_days, sale_bps, sale_flat, lead_bps, lead_flat, hold_days, effective_at, text_hash, worsens, sealed_text))
        .await
    }
}

/// The versions of a campaign's terms, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    campaign: &CampaignId,
    page: PageQuery,
) -> Result<Vec<TermsRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM terms WHERE campaign_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(campaign.as_str())
    .bind(page.below())
    .bind(page.rows())
    .fetch_all(pool)
    .await
}

/// One version of a campaign's terms.
pub(crate) async fn find(
    pool: &PgPool,
    campaign: &CampaignId,
    version: i32,
) -> Result<Option<TermsRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM terms WHERE campaign_id = $1 AND version = $2")
        .bind(campaign.as_str())
        .bind(version)
        .fetch_optional(pool)
        .await
}
