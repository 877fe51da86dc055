//! `campaigns`, `terms` and `enrollments`: what is adopted from campaign.

use std::collections::HashMap;

use runtime::each;
use schemas::{About, CampaignChangeAdoptedV1, EnrollmentAdoptedV1, TermsAdoptedV1};
use sqlx::{FromRow, PgConnection};
use types::{
    BrandId, CampaignId, CampaignStatus, Currency, EnrollmentId, EnrollmentStatus, Micros,
    TermsVersion,
};

use super::unreadable;
use crate::domain::Campaign;

/// The campaigns of these ids.
pub async fn load(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashMap<CampaignId, Campaign>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        id: String,
        brand_id: String,
        allowed_hosts: Vec<String>,
        fallback_url: Option<String>,
        starts_at: Option<i64>,
        ends_at: Option<i64>,
        trusts_redirects: bool,
        status: String,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, brand_id, allowed_hosts, fallback_url, starts_at, ends_at, trusts_redirects, status FROM campaigns WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = CampaignId::parse(row.id).map_err(|_| unreadable("campaign id"))?;
            let status = CampaignStatus::parse(&row.status);
            let campaign = Campaign {
                brand: BrandId::parse(row.brand_id).map_err(|_| unreadable("brand id"))?,
                allowed_hosts: row.allowed_hosts,
                fallback_url: row.fallback_url,
                starts_at: row.starts_at.map(Micros),
                ends_at: row.ends_at.map(Micros),
                trusts_redirects: row.trusts_redirects,
                status: status.ok_or_else(|| unreadable("campaign status"))?,
            };
            Ok((id, campaign))
        })
        .collect()
}

/// How these enrollments stand, of those that are known.
pub async fn enrollments(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashMap<EnrollmentId, EnrollmentStatus>, sqlx::Error> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT id, status FROM enrollments WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(id, status)| {
            let id = EnrollmentId::parse(id).map_err(|_| unreadable("enrollment id"))?;
            let status = EnrollmentStatus::parse(&status);
            Ok((id, status.ok_or_else(|| unreadable("enrollment status"))?))
        })
        .collect()
}

/// The currencies of these terms.
pub async fn currencies(
    connection: &mut PgConnection,
    terms: &[(CampaignId, TermsVersion)],
) -> Result<Vec<((CampaignId, TermsVersion), Currency)>, sqlx::Error> {
    let (campaigns, versions): (Vec<&str>, Vec<i32>) = terms
        .iter()
        .map(|(campaign, version)| (campaign.as_str(), version.get()))
        .unzip();
    let rows: Vec<(String, i32, String)> = sqlx::query_as(
        "SELECT campaign_id, version, currency FROM terms
          WHERE (campaign_id, version) IN (SELECT * FROM UNNEST($1::text[], $2::int[]))",
    )
    .bind(campaigns)
    .bind(versions)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(campaign, version, currency)| {
            let campaign = CampaignId::parse(campaign).map_err(|_| unreadable("campaign id"))?;
            let version = TermsVersion::new(version).map_err(|_| unreadable("terms version"))?;
            let currency = Currency::parse(&currency).map_err(|_| unreadable("currency"))?;
            Ok(((campaign, version), currency))
        })
        .collect()
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
        "INSERT INTO campaigns (id, brand_id, allowed_hosts, position, fallback_url, status, starts_at, trusts_redirects, ends_at)
         SELECT id, brand_id, ARRAY(SELECT jsonb_array_elements_text(hosts)), position, fallback_url, status, starts_at, trusts_redirects, ends_at
           FROM UNNEST($1::text[], $2::text[], $3::jsonb[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::boolean[],
                       $9::bigint[]) AS q(id, brand_id, hosts, position, fallback_url, status, starts_at, trusts_redirects, ends_at)
         ON CONFLICT (id) DO UPDATE SET brand_id = excluded.brand_id, allowed_hosts = excluded.allowed_hosts,
                                        position = excluded.position, fallback_url = excluded.fallback_url,
                                        status = excluded.status, starts_at = excluded.starts_at,
                                        trusts_redirects = excluded.trusts_redirects, ends_at = excluded.ends_at",
    )
    .bind(each(rows, |(id, ..)| id.as_str()))
    .bind(each(rows, |(_, campaign, _)| campaign.brand.as_str()))
    .bind(hosts)
    .bind(each(rows, |(.., position)| *position))
    .bind(each(rows, |(_, campaign, _)| {
        campaign.fallback_url.as_deref()
    }))
    .bind(each(rows, |(_, campaign, _)| campaign.status.name()))
    .bind(each(rows, |(_, campaign, _)| {
        campaign.starts_at.map(Micros::get)
    }))
    .bind(each(rows, |(_, campaign, _)| campaign.trusts_redirects))
    .bind(each(rows, |(_, campaign, _)| {
        campaign.ends_at.map(Micros::get)
    }))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves what was changed of campaigns that are known here.
pub async fn save_changes(
    connection: &mut PgConnection,
    rows: &[(CampaignId, CampaignChangeAdoptedV1)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let hosts = each(rows, |(_, change)| sqlx::types::Json(&change.allowed_hosts));
    sqlx::query(
        "UPDATE campaigns c
            SET allowed_hosts = ARRAY(SELECT jsonb_array_elements_text(q.hosts)), fallback_url = q.fallback_url, starts_at = q.starts_at,
                trusts_redirects = q.trusts_redirects, ends_at = q.ends_at
           FROM UNNEST($1::text[], $2::jsonb[], $3::text[], $4::bigint[], $5::boolean[], $6::bigint[])
             AS q(id, hosts, fallback_url, starts_at, trusts_redirects, ends_at)
          WHERE c.id = q.id",
    )
    .bind(each(rows, |(id, _)| id.as_str()))
    .bind(hosts)
    .bind(each(rows, |(_, change)| change.fallback_url.as_deref()))
    .bind(each(rows, |(_, change)| change.starts_at.map(Micros::get)))
    .bind(each(rows, |(_, change)| change.trusts_redirects == Some(true)))
    .bind(each(rows, |(_, change)| change.ends_at.map(Micros::get)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves what campaigns are now.
pub async fn save_statuses(
    connection: &mut PgConnection,
    rows: &[(CampaignId, CampaignStatus)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE campaigns c SET status = q.status FROM UNNEST($1::text[], $2::text[]) AS q(id, status) WHERE c.id = q.id",
    )
    .bind(each(rows, |(id, _)| id.as_str()))
    .bind(each(rows, |(_, status)| status.name()))
    .execute(connection)
    .await?;
    Ok(())
}

/// A version of terms that was adopted.
#[derive(Debug)]
pub struct TermsRow {
    /// What was adopted.
    pub terms: About<TermsAdoptedV1>,
    /// By the event at this position.
    pub position: i64,
    /// Whether its batch has adopted other terms under its number before.
    pub is_given_again: bool,
}

/// Saves versions of terms. One whose number has a row is given out again: each fact is adopted once.
pub async fn save_terms(
    connection: &mut PgConnection,
    rows: &[TermsRow],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "terms" {
        campaign_id: text = |row| row.terms.subject.as_str(),
        version: int = |row| row.terms.version.get(),
        brand_id: text = |row| row.terms.brand_id.as_str(),
        currency: text = |row| row.terms.currency.code(),
        window_days: int = |row| row.terms.window_days.get(),
        effective_at: bigint = |row| row.terms.effective_at.0,
        worsens: boolean = |row| row.terms.worsens,
        position: bigint = |row| row.position,
        given_again: bigint = |row| row.is_given_again.then_some(row.position),
    } on (campaign_id, version) set (brand_id, currency, window_days, effective_at, worsens, position)
      ", given_again = excluded.position")
    .await
}

/// Saves enrollments. Who only applies has accepted what it accepted before, and when it did: its earlier clicks count by that, also
/// when it is rejected.
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
        status: text = |(enrollment, _)| enrollment.status.unwrap_or(EnrollmentStatus::Enrolled).name(),
    } "ON CONFLICT (id) DO UPDATE SET status = excluded.status,
       position = CASE excluded.status WHEN 'applied' THEN enrollments.position ELSE excluded.position END,
       terms_version = CASE excluded.status WHEN 'applied' THEN enrollments.terms_version ELSE excluded.terms_version END")
    .await
}

/// Saves that enrollments have ended.
pub async fn end_enrollments(
    connection: &mut PgConnection,
    rows: &[(EnrollmentId, EnrollmentStatus)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE enrollments e SET status = q.status FROM UNNEST($1::text[], $2::text[]) AS q(id, status) WHERE e.id = q.id",
    )
    .bind(each(rows, |(id, _)| id.as_str()))
    .bind(each(rows, |(_, status)| status.name()))
    .execute(connection)
    .await?;
    Ok(())
}
