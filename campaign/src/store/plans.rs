//! `plans`: what conversions earn under each version of the terms; never changed.

use sqlx::PgConnection;
use types::Earning;

use super::terms::Published;

/// Writes the plans of new versions.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    published: &[Published],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, published => "plans" {
        campaign_id: text = |p| p.campaign.as_str(),
        version: int = |p| p.terms.version.get(),
        sale_bps: int = |p| p.terms.plan.sale().and_then(Earning::bps),
        sale_flat: bigint = |p| p.terms.plan.sale().and_then(flat),
        lead_bps: int = |p| p.terms.plan.lead().and_then(Earning::bps),
        lead_flat: bigint = |p| p.terms.plan.lead().and_then(flat),
        hold_days: int = |p| p.terms.plan.hold().get(),
    })
    .await
}

/// In minor units; the currency is the campaign's.
fn flat(earning: Earning) -> Option<i64> {
    earning.flat().map(|flat| flat.minor)
}
