//! `plans`: what conversions earn under each version of the terms; never changed.

use sqlx::PgConnection;

use super::terms::Published;
use crate::domain::Earning;

/// Writes the plans of new versions.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    published: &[Published],
) -> Result<(), sqlx::Error> {
    if published.is_empty() {
        return Ok(());
    }
    let all = || published.iter();
    let sales: Vec<_> = all().map(|p| p.terms.plan.sale()).collect();
    let leads: Vec<_> = all().map(|p| p.terms.plan.lead()).collect();
    sqlx::query(
        "INSERT INTO plans (campaign_id, version, sale_bps, sale_flat, lead_bps, lead_flat, hold_days)
         SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::int[])",
    )
    .bind(all().map(|p| p.campaign.to_string()).collect::<Vec<_>>())
    .bind(all().map(|p| p.terms.version.get()).collect::<Vec<_>>())
    .bind(rates(&sales))
    .bind(flats(&sales))
    .bind(rates(&leads))
    .bind(flats(&leads))
    .bind(all().map(|p| p.terms.plan.hold().get()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn rates(earnings: &[Option<Earning>]) -> Vec<Option<i32>> {
    earnings.iter().map(|e| e.and_then(Earning::bps)).collect()
}

/// In minor units; their currency is the campaign's.
fn flats(earnings: &[Option<Earning>]) -> Vec<Option<i64>> {
    let flat = |earning: Earning| earning.flat().map(|flat| flat.minor);
    earnings.iter().map(|e| e.and_then(flat)).collect()
}
