//! `campaigns`, `terms` and `enrollments`: what is adopted from campaign.

use std::collections::{HashMap, HashSet};

use schemas::{About, EnrollmentAdoptedV1, TermsAdoptedV1};
use sqlx::PgConnection;
use types::{BrandId, CampaignId, EnrollmentId};

use super::{each, unreadable};
use crate::domain::Campaign;

/// The campaigns of these ids.
pub async fn load(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashMap<CampaignId, Campaign>, sqlx::Error> {
    let rows: Vec<(String, String, Vec<String>)> =
        sqlx::query_as("SELECT id, brand_id, allowed_hosts FROM campaigns WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(id, brand, allowed_hosts)| {
            let id = CampaignId::parse(id).map_err(|_| unreadable("campaign id"))?;
            let brand = BrandId::parse(brand).map_err(|_| unreadable("brand id"))?;
            let campaign = Campaign {
                brand,
                allowed_hosts,
            };
            Ok((id, campaign))
        })
        .collect()
}

/// Which of these enrollments are known.
pub async fn enrolled(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashSet<EnrollmentId>, sqlx::Error> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM enrollments WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let parse = |id| EnrollmentId::parse(id).map_err(|_| unreadable("enrollment id"));
    ids.into_iter().map(parse).collect()
}

/// Saves campaigns, each with the position of its event.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[(CampaignId, Campaign, i64)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    // Arrays of arrays are rectangular in Postgres: hosts travel as JSON.
    let hosts = each(rows, |(_, campaign, _)| {
        sqlx::types::Json(&campaign.allowed_hosts)
    });
    sqlx::query(
        "INSERT INTO campaigns (id, brand_id, allowed_hosts, position)
         SELECT id, brand_id, ARRAY(SELECT jsonb_array_elements_text(hosts)), position
           FROM UNNEST($1::text[], $2::text[], $3::jsonb[], $4::bigint[]) AS q(id, brand_id, hosts, position)
         ON CONFLICT (id) DO UPDATE SET brand_id = excluded.brand_id, allowed_hosts = excluded.allowed_hosts,
                                        position = excluded.position",
    )
    .bind(each(rows, |(id, ..)| id.as_str()))
    .bind(each(rows, |(_, campaign, _)| campaign.brand.as_str()))
    .bind(hosts)
    .bind(each(rows, |(.., position)| *position))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves versions of terms.
pub async fn save_terms(
    connection: &mut PgConnection,
    rows: &[(About<TermsAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "terms" {
        campaign_id: text = |(terms, _)| terms.subject.as_str(),
        version: int = |(terms, _)| terms.version.get(),
        brand_id: text = |(terms, _)| terms.brand_id.as_str(),
        currency: text = |(terms, _)| terms.currency.code(),
        window_days: int = |(terms, _)| terms.window_days.get(),
        effective_at: bigint = |(terms, _)| terms.effective_at.0,
        position: bigint = |(_, position)| *position,
    } on (campaign_id, version) set (brand_id, currency, window_days, effective_at, position))
    .await
}

/// Saves enrollments.
pub async fn save_enrollments(
    connection: &mut PgConnection,
    rows: &[(About<EnrollmentAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "enrollments" {
        id: text = |(enrollment, _)| enrollment.subject.as_str(),
        campaign_id: text = |(enrollment, _)| enrollment.key.as_str(),
        partner_id: text = |(enrollment, _)| enrollment.partner_id.as_str(),
        terms_version: int = |(enrollment, _)| enrollment.terms_version.get(),
        position: bigint = |(_, position)| *position,
    } on (id) set (terms_version, position))
    .await
}
