//! `links`.

use std::collections::HashSet;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use schemas::{About, LinkCreatedV1};
use sqlx::{FromRow, PgConnection, PgPool};
use types::{BrandId, CampaignId, EnrollmentId, LinkCode, Micros, PartnerId};

use super::unreadable;
use crate::click_id::link_digest;

/// A link.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// As it was made.
    pub link: About<LinkCreatedV1>,
    /// When that was.
    pub created_at: Micros,
    /// The position of its event.
    pub position: i64,
}

/// Which of these codes are taken.
pub async fn taken(
    connection: &mut PgConnection,
    codes: &[&str],
) -> Result<HashSet<LinkCode>, sqlx::Error> {
    let codes: Vec<String> = sqlx::query_scalar("SELECT code FROM links WHERE code = ANY($1)")
        .bind(codes)
        .fetch_all(connection)
        .await?;
    let parse = |code| LinkCode::parse(code).map_err(|_| unreadable("link code"));
    codes.into_iter().map(parse).collect()
}

/// Saves new links.
pub async fn save(connection: &mut PgConnection, rows: &[NewLink]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "links" {
        code: text = |row| row.link.subject.as_str(),
        campaign_id: text = |row| row.link.campaign_id.as_str(),
        partner_id: text = |row| row.link.partner_id.as_str(),
        enrollment_id: text = |row| EnrollmentId::of(&row.link.campaign_id, &row.link.partner_id).into_string(),
        target_url: text = |row| row.link.target_url.as_str(),
        digest: bigint = |row| link_digest(&row.link.subject),
        created_at: bigint = |row| row.created_at.0,
        position: bigint = |row| row.position,
    })
    .await
}

/// What a redirect needs.
#[derive(Debug, Clone)]
pub struct Target {
    /// The link's campaign.
    pub campaign_id: String,
    /// Where it leads.
    pub url: String,
    /// Whether it does: the campaign is active and has started, and its partner is enrolled and banned by nobody. Else this is the
    /// fallback page, where no click counts.
    pub live: bool,
}

/// Where a code leads.
pub async fn target(pool: &PgPool, code: &LinkCode) -> Result<Option<Target>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        campaign_id: String,
        target_url: String,
        live: bool,
        fallback_url: Option<String>,
        allowed_hosts: Vec<String>,
    }
    let row: Option<Row> = sqlx::query_as(
        "SELECT l.campaign_id, l.target_url, c.fallback_url, c.allowed_hosts,
                c.status = 'active' AND e.status = 'enrolled'
                AND (c.starts_at IS NULL
                     OR c.starts_at <= (SELECT greatest(last_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset)
                                          FROM pipeline.log_head))
                AND NOT EXISTS (SELECT FROM bans b WHERE b.partner_id = l.partner_id AND b.status = 'banned'
                                    AND (b.brand_id IS NULL OR b.brand_id = c.brand_id)) AS live
           FROM links l JOIN campaigns c ON c.id = l.campaign_id JOIN enrollments e ON e.id = l.enrollment_id
          WHERE l.code = $1",
    )
    .bind(code.as_str())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Target {
        campaign_id: row.campaign_id,
        live: row.live,
        url: if row.live {
            row.target_url
        } else {
            let first = || types::fallback_url(&row.allowed_hosts);
            row.fallback_url.unwrap_or_else(first)
        },
    }))
}

/// Notes the event that last stopped links.
pub async fn save_stop(connection: &mut PgConnection, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO link_stops (only_row, position) VALUES (true, $1)
         ON CONFLICT (only_row) DO UPDATE SET position = excluded.position",
    )
    .bind(position)
    .execute(connection)
    .await?;
    Ok(())
}

/// The event that last stopped links; `None` when none has.
pub async fn last_stop(pool: &PgPool) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT position FROM link_stops")
        .fetch_optional(pool)
        .await
}

/// A link as it is listed.
#[derive(Debug, Clone, FromRow)]
pub struct LinkRow {
    /// Its code.
    pub code: String,
    /// The campaign that it works for.
    pub campaign_id: String,
    /// Whose visitors.
    pub partner_id: String,
    /// Where it leads.
    pub target_url: String,
    /// When it was made.
    pub created_at: i64,
    /// Where it stands in lists.
    pub position: i64,
}

/// A page of links, newest first.
pub async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    campaign: Option<&CampaignId>,
    partner: Option<&PartnerId>,
    page: PageQuery,
) -> Result<Vec<LinkRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT l.code, l.campaign_id, l.partner_id, l.target_url, l.created_at, l.position
           FROM links l JOIN campaigns c ON c.id = l.campaign_id
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
