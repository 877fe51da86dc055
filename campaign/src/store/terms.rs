//! `terms`: one row per published version; never changed.

use chassis::page::PageQuery;
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::CampaignId;

use crate::domain::{Place, Terms};

/// A version of a campaign's terms, to be written.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub campaign: CampaignId,
    pub terms: Terms,
    pub place: Place,
}

/// A version with its plan and its text, as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub version: i32,
    pub position: i64,
    pub window_days: i32,
    pub effective_at: i64,
    pub sale_bps: Option<i32>,
    pub sale_flat: Option<i64>,
    pub lead_bps: Option<i32>,
    pub lead_flat: Option<i64>,
    pub hold_days: i32,
    pub text: Option<String>,
}

/// Writes new versions.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    published: &[Published],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, published => "terms" {
        campaign_id: text = |p| p.campaign.to_string(),
        version: int = |p| p.terms.version.get(),
        position: bigint = |p| p.place.position,
        window_days: int = |p| p.terms.window.get(),
        effective_at: bigint = |p| p.terms.effective_at.get(),
    })
    .await
}

/// A page of a campaign's versions, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    campaign: &CampaignId,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.version, t.position, t.window_days, t.effective_at, p.sale_bps, p.sale_flat, p.lead_bps, p.lead_flat,
                p.hold_days, x.text
           FROM terms t
           JOIN plans p USING (campaign_id, version)
           LEFT JOIN terms_texts x USING (campaign_id, version)
          WHERE t.campaign_id = $1 AND t.position < $2
          ORDER BY t.position DESC LIMIT $3",
    )
    .bind(campaign.as_str())
    .bind(page.below())
    .bind(page.rows())
    .fetch_all(executor)
    .await
}
