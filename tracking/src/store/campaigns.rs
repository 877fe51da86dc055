//! `campaigns`, `terms` and `enrollments`: what is adopted from campaign.

use std::collections::{HashMap, HashSet};

use money::{BrandId, CampaignId, EnrollmentId, PartnerId};
use sqlx::PgConnection;

use super::{each, unreadable};
use crate::domain::{Campaign, Terms};

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
    rows: &[(CampaignId, Terms, i64)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO terms (campaign_id, version, brand_id, currency, window_days, effective_at, position)
         SELECT * FROM UNNEST($1::text[], $2::int[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::bigint[])
         ON CONFLICT (campaign_id, version) DO UPDATE
            SET brand_id = excluded.brand_id, currency = excluded.currency, window_days = excluded.window_days,
                effective_at = excluded.effective_at, position = excluded.position",
    )
    .bind(each(rows, |(id, ..)| id.as_str()))
    .bind(each(rows, |(_, terms, _)| terms.version))
    .bind(each(rows, |(_, terms, _)| terms.brand.as_str()))
    .bind(each(rows, |(_, terms, _)| terms.currency.code()))
    .bind(each(rows, |(_, terms, _)| terms.window_days))
    .bind(each(rows, |(_, terms, _)| terms.effective_at.0))
    .bind(each(rows, |(.., position)| *position))
    .execute(connection)
    .await?;
    Ok(())
}

/// An enrollment to save.
#[derive(Debug, Clone)]
pub struct EnrollmentRow {
    /// Its id.
    pub id: EnrollmentId,
    /// The campaign.
    pub campaign: CampaignId,
    /// Who accepted.
    pub partner: PartnerId,
    /// Which version of the terms.
    pub terms_version: i32,
    /// The position of its event.
    pub position: i64,
}

/// Saves enrollments.
pub async fn save_enrollments(
    connection: &mut PgConnection,
    rows: &[EnrollmentRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO enrollments (id, campaign_id, partner_id, terms_version, position)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[])
         ON CONFLICT (id) DO UPDATE SET terms_version = excluded.terms_version, position = excluded.position",
    )
    .bind(each(rows, |row| row.id.as_str()))
    .bind(each(rows, |row| row.campaign.as_str()))
    .bind(each(rows, |row| row.partner.as_str()))
    .bind(each(rows, |row| row.terms_version))
    .bind(each(rows, |row| row.position))
    .execute(connection)
    .await?;
    Ok(())
}
