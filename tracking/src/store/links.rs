//! `links`.

use std::collections::HashMap;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use schemas::Utm;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{
    BrandId, CampaignId, DisabledBy, EnrollmentId, LinkCode, LinkStatus, Micros, PartnerId,
};

use super::unreadable;
use crate::click_id::link_digest;
use crate::destination::with_utm;
use crate::domain::Link;

/// The links of these codes, where there are any.
pub async fn load(
    connection: &mut PgConnection,
    codes: &[&str],
) -> Result<HashMap<LinkCode, Link>, sqlx::Error> {
    let rows: Vec<LinkRow> = sqlx::query_as(
        "SELECT code, campaign_id, partner_id, target_url, utm, deep_paths, status, disabled_by, created_at, position
           FROM links WHERE code = ANY($1)",
    )
    .bind(codes)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(LinkRow::read).collect()
}

/// Saves links that are new or changed.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[(&LinkCode, &Link)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "links" {
        code: text = |(code, _)| code.as_str(),
        campaign_id: text = |(_, link)| link.campaign.as_str(),
        partner_id: text = |(_, link)| link.partner.as_str(),
        enrollment_id: text = |(_, link)| EnrollmentId::of(&link.campaign, &link.partner).into_string(),
        target_url: text = |(_, link)| link.target_url.as_str(),
        utm: jsonb = |(_, link)| link.utm.as_ref().map(Json),
        deep_paths: boolean = |(_, link)| link.deep_paths,
        status: text = |(_, link)| link.status().name(),
        disabled_by: text = |(_, link)| link.disabled_by.map(DisabledBy::name),
        digest: bigint = |(code, _)| link_digest(code),
        created_at: bigint = |(_, link)| link.created_at.0,
        position: bigint = |(_, link)| link.position,
    } on (code) set (target_url, utm, deep_paths, status, disabled_by))
    .await
}

/// What a redirect needs.
#[derive(Debug, Clone)]
pub struct Target {
    /// The link's campaign.
    pub campaign_id: String,
    /// Whose that is.
    pub brand_id: String,
    /// Where it leads, with its UTM parameters.
    pub url: String,
    /// Whether a path behind its code names a page below that.
    pub deep_paths: bool,
    /// Whether it does: it is not disabled, the campaign is active, has started and not ended, and its partner is enrolled and banned by
    /// nobody. Else this is the fallback page, where no click counts.
    pub live: bool,
    /// Whether the visitor that a redirect names is believed.
    pub trusts_redirects: bool,
    /// When the campaign ends and it leads there no more; `None`: never.
    pub ends_at: Option<Micros>,
}

impl Target {
    /// Whether its campaign has ended since it was read.
    pub fn has_ended(&self, now: Micros) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }
}

/// Where a code leads.
pub async fn target(pool: &PgPool, code: &LinkCode) -> Result<Option<Target>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        campaign_id: String,
        brand_id: String,
        partner_id: String,
        target_url: String,
        utm: Option<Json<Utm>>,
        deep_paths: bool,
        live: bool,
        trusts_redirects: bool,
        ends_at: Option<i64>,
        fallback_url: Option<String>,
        allowed_hosts: Vec<String>,
    }
    let row: Option<Row> = sqlx::query_as(
        concat!("SELECT l.campaign_id, c.brand_id, l.partner_id, l.target_url, l.utm, l.deep_paths, c.fallback_url, c.allowed_hosts, c.trusts_redirects, c.ends_at,
                l.status = 'active' AND c.status = 'active' AND e.status = 'enrolled'
                AND (c.starts_at IS NULL
                     OR c.starts_at <= ", messaging::sql_now!(), ")
                AND (c.ends_at IS NULL
                     OR c.ends_at > ", messaging::sql_now!(), ")
                AND NOT EXISTS (SELECT FROM bans b WHERE b.partner_id = l.partner_id AND b.status = 'banned'
                                    AND (b.brand_id IS NULL OR b.brand_id = c.brand_id)) AS live
           FROM links l JOIN campaigns c ON c.id = l.campaign_id JOIN enrollments e ON e.id = l.enrollment_id
          WHERE l.code = $1"),
    )
    .bind(code.as_str())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let fallback = || {
            let first = || types::fallback_url(&row.allowed_hosts);
            row.fallback_url.clone().unwrap_or_else(first)
        };
        let url = match &row.utm {
            _ if !row.live => fallback(),
            None => row.target_url.clone(),
            Some(utm) => {
                let (campaign, partner) = (&row.campaign_id, &row.partner_id);
                with_utm(&row.target_url, utm, campaign, partner, code.as_str())
            }
        };
        Target {
            campaign_id: row.campaign_id,
            brand_id: row.brand_id,
            live: row.live,
            trusts_redirects: row.trusts_redirects,
            ends_at: row.ends_at.map(Micros),
            deep_paths: row.deep_paths,
            url,
        }
    }))
}

/// Notes the event that last stopped links, or changed one.
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
    /// What it adds to the target's query.
    pub utm: Option<Json<Utm>>,
    /// Whether a path behind its code names a page below the target.
    pub deep_paths: bool,
    /// Whether it does: a name of [`LinkStatus`].
    pub status: String,
    /// Who disabled it: a name of [`DisabledBy`].
    pub disabled_by: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// Where it stands in lists.
    pub position: i64,
}

impl LinkRow {
    fn read(self) -> Result<(LinkCode, Link), sqlx::Error> {
        let disabled_by = self.disabled_by.map(|name| {
            let by = DisabledBy::parse(&name);
            by.ok_or_else(|| unreadable("who disabled a link"))
        });
        let link = Link {
            campaign: CampaignId::parse(self.campaign_id).map_err(|_| unreadable("campaign id"))?,
            partner: PartnerId::parse(self.partner_id).map_err(|_| unreadable("partner id"))?,
            target_url: self.target_url,
            utm: self.utm.map(|Json(utm)| utm),
            deep_paths: self.deep_paths,
            disabled_by: disabled_by.transpose()?,
            created_at: Micros(self.created_at),
            position: self.position,
        };
        let code = LinkCode::parse(self.code).map_err(|_| unreadable("link code"))?;
        Ok((code, link))
    }
}

/// Which links are listed.
#[derive(Debug)]
pub struct LinkFilter<'a> {
    /// Whose.
    pub scope: Scope<'a>,
    /// Of this campaign.
    pub campaign: Option<&'a CampaignId>,
    /// Of this partner.
    pub partner: Option<&'a PartnerId>,
    /// That are so.
    pub status: Option<LinkStatus>,
}

/// What is shown of links, for statements that go on.
macro_rules! listed {
    () => {
        "SELECT l.code, l.campaign_id, l.partner_id, l.target_url, l.utm, l.deep_paths, l.status, l.disabled_by, l.created_at, l.position
           FROM links l JOIN campaigns c ON c.id = l.campaign_id"
    };
}

/// One of them, when this caller may see it.
pub async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    code: &LinkCode,
) -> Result<Option<LinkRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        listed!(),
        " WHERE l.code = $1 AND ($2 OR l.partner_id = $3 OR c.brand_id = $4)"
    ))
    .bind(code.as_str())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .fetch_optional(pool)
    .await
}

/// A page of links, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &LinkFilter<'_>,
    page: PageQuery,
) -> Result<Vec<LinkRow>, sqlx::Error> {
    let scope = filter.scope;
    sqlx::query_as(concat!(
        listed!(),
        " WHERE l.position < $1 AND ($2 OR l.partner_id = $3 OR c.brand_id = $4)
            AND ($5::text IS NULL OR l.campaign_id = $5) AND ($6::text IS NULL OR l.partner_id = $6)
            AND ($7::text IS NULL OR l.status = $7)
          ORDER BY l.position DESC LIMIT $8"
    ))
    .bind(page.below())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(filter.campaign.map(CampaignId::as_str))
    .bind(filter.partner.map(PartnerId::as_str))
    .bind(filter.status.map(LinkStatus::name))
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
