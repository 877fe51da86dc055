//! `claims`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use schemas::ClaimedSale;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{
    BrandId, CampaignId, ClaimId, ClaimStatus, ConversionId, ConversionType, Currency,
    DeclineReason, LinkCode, Micros, Money, OrderId, PartnerId, TermsVersion, Uuid,
};

use super::{unreadable, uuid};
use crate::domain::{Claim, Claims, UserHash};

/// A row of `claims`.
#[derive(Debug, Clone, FromRow)]
pub struct ClaimRow {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub status: String,
    /// The conversion that it would be.
    pub claimed_id: Uuid,
    /// The conversion of its order, once there is one.
    pub conversion_id: Option<Uuid>,
    /// The event that made it.
    pub event_id: Uuid,
    /// `purchase` or `lead`.
    pub event_type: String,
    /// The brand's order.
    pub order_id: Option<String>,
    /// The campaign of the click.
    pub campaign_id: String,
    /// Who decides.
    pub brand_id: String,
    /// Who claims it.
    pub partner_id: String,
    /// The link that was clicked.
    pub link_code: String,
    /// The click.
    pub click_id: String,
    /// What was paid.
    pub amount_minor: Option<i64>,
    /// Of which currency.
    pub currency: Option<String>,
    /// The terms that would count.
    pub terms_version: i32,
    /// Why it was declined.
    pub reason: Option<String>,
    /// Who bought, hashed.
    pub user_hash: Option<Vec<u8>>,
    /// When, as claimed.
    pub occurred_at: i64,
    /// When it was claimed, in our time.
    pub claimed_at: i64,
    /// When it was decided or settled.
    pub decided_at: Option<i64>,
    /// Where it stands in lists.
    pub position: i64,
}

impl ClaimRow {
    /// The row of a claim.
    pub(crate) fn of(id: &ClaimId, claim: &Claim) -> Result<Self, sqlx::Error> {
        let sale = &claim.sale;
        Ok(Self {
            id: id.to_string(),
            status: claim.status.name().to_owned(),
            claimed_id: uuid(&sale.conversion_id)?,
            conversion_id: claim.conversion.as_ref().map(uuid).transpose()?,
            event_id: claim.event_id,
            event_type: sale.event_type.name().to_owned(),
            order_id: sale.order_id.as_ref().map(ToString::to_string),
            campaign_id: sale.campaign_id.to_string(),
            brand_id: sale.brand_id.to_string(),
            partner_id: sale.partner_id.to_string(),
            link_code: sale.link_code.to_string(),
            click_id: sale.click_id.to_string(),
            amount_minor: sale.amount.map(|amount| amount.minor),
            currency: sale.amount.map(|amount| amount.currency.code().to_owned()),
            terms_version: sale.terms_version.get(),
            reason: claim.reason.map(|reason| reason.name().to_owned()),
            user_hash: claim.user.map(|user| user.0.to_vec()),
            occurred_at: sale.occurred_at.0,
            claimed_at: claim.claimed_at.0,
            decided_at: claim.decided_at.map(|at| at.0),
            position: claim.position,
        })
    }

    fn state(self) -> Result<(ClaimId, Claim), sqlx::Error> {
        let wrong = |what| move || unreadable(what);
        let conversion =
            |id: Uuid| ConversionId::parse(id.to_string()).map_err(|_| unreadable("conversion id"));
        let amount = match (self.amount_minor, self.currency.as_deref()) {
            (Some(minor), Some(code)) => {
                let currency = Currency::parse(code).map_err(|_| unreadable("currency"))?;
                Some(Money::new(minor, currency))
            }
            _ => None,
        };
        let id = |what| move |_| unreadable(what);
        let sale = ClaimedSale {
            conversion_id: conversion(self.claimed_id)?,
            event_type: ConversionType::parse(&self.event_type).ok_or_else(wrong("event type"))?,
            order_id: self
                .order_id
                .map(OrderId::parse)
                .transpose()
                .map_err(id("order id"))?,
            campaign_id: CampaignId::parse(self.campaign_id).map_err(id("campaign id"))?,
            brand_id: BrandId::parse(self.brand_id).map_err(id("brand id"))?,
            partner_id: PartnerId::parse(self.partner_id).map_err(id("partner id"))?,
            link_code: LinkCode::parse(self.link_code).map_err(id("link code"))?,
            click_id: types::ClickId::parse(self.click_id).map_err(id("click id"))?,
            amount,
            terms_version: TermsVersion::new(self.terms_version)
                .map_err(|_| unreadable("terms version"))?,
            occurred_at: Micros(self.occurred_at),
        };
        let reason = self.reason.as_deref();
        let reason = reason.map(|name| DeclineReason::parse(name).ok_or_else(wrong("reason")));
        let user = self.user_hash.map(|hash| hash.try_into().map(UserHash));
        let claim = Claim {
            sale,
            user: user.transpose().map_err(|_| unreadable("visitor"))?,
            status: ClaimStatus::parse(&self.status).ok_or_else(wrong("status"))?,
            conversion: self.conversion_id.map(conversion).transpose()?,
            reason: reason.transpose()?,
            event_id: self.event_id,
            claimed_at: Micros(self.claimed_at),
            decided_at: self.decided_at.map(Micros),
            position: self.position,
        };
        Ok((ClaimId::parse(self.id).map_err(id("claim id"))?, claim))
    }
}

/// These claims.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<Claims, sqlx::Error> {
    let rows: Vec<ClaimRow> = sqlx::query_as("SELECT * FROM claims WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    states(rows)
}

/// The claims of these conversions.
pub(crate) async fn load_of(
    connection: &mut PgConnection,
    conversions: &[Uuid],
) -> Result<Claims, sqlx::Error> {
    let rows: Vec<ClaimRow> = sqlx::query_as("SELECT * FROM claims WHERE claimed_id = ANY($1)")
        .bind(conversions)
        .fetch_all(connection)
        .await?;
    states(rows)
}

fn states(rows: Vec<ClaimRow>) -> Result<Claims, sqlx::Error> {
    let claims: Result<_, _> = rows.into_iter().map(ClaimRow::state).collect();
    Ok(Claims(claims?))
}

/// Saves claims as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    rows: &[ClaimRow],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "claims" {
        id: text = |row| row.id.as_str(),
        status: text = |row| row.status.as_str(),
        claimed_id: uuid = |row| row.claimed_id,
        conversion_id: uuid = |row| row.conversion_id,
        event_id: uuid = |row| row.event_id,
        event_type: text = |row| row.event_type.as_str(),
        order_id: text = |row| row.order_id.as_deref(),
        campaign_id: text = |row| row.campaign_id.as_str(),
        brand_id: text = |row| row.brand_id.as_str(),
        partner_id: text = |row| row.partner_id.as_str(),
        link_code: text = |row| row.link_code.as_str(),
        click_id: text = |row| row.click_id.as_str(),
        amount_minor: bigint = |row| row.amount_minor,
        currency: text = |row| row.currency.as_deref(),
        terms_version: int = |row| row.terms_version,
        reason: text = |row| row.reason.as_deref(),
        user_hash: bytea = |row| row.user_hash.as_deref(),
        occurred_at: bigint = |row| row.occurred_at,
        claimed_at: bigint = |row| row.claimed_at,
        decided_at: bigint = |row| row.decided_at,
        position: bigint = |row| row.position,
    } on (id) set (status, conversion_id, reason, decided_at))
    .await
}

/// Which claims are listed.
#[derive(Debug)]
pub struct ClaimFilter<'a> {
    /// Whose.
    pub scope: Scope<'a>,
    /// Of this campaign.
    pub campaign: Option<&'a CampaignId>,
    /// Of this partner.
    pub partner: Option<&'a PartnerId>,
    /// Of this order.
    pub order: Option<&'a OrderId>,
    /// Of which this became.
    pub status: Option<ClaimStatus>,
}

/// A page of claims, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &ClaimFilter<'_>,
    page: PageQuery,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM claims
          WHERE position < $1 AND ($2 OR partner_id = $3 OR brand_id = $4)
            AND ($5::text IS NULL OR campaign_id = $5) AND ($6::text IS NULL OR partner_id = $6)
            AND ($7::text IS NULL OR order_id = $7) AND ($8::text IS NULL OR status = $8)
          ORDER BY position DESC LIMIT $9",
    )
    .bind(page.below())
    .bind(filter.scope.all)
    .bind(filter.scope.partner.map(PartnerId::as_str))
    .bind(filter.scope.brand.map(BrandId::as_str))
    .bind(filter.campaign.map(CampaignId::as_str))
    .bind(filter.partner.map(PartnerId::as_str))
    .bind(filter.order.map(OrderId::as_str))
    .bind(filter.status.map(ClaimStatus::name))
    .bind(page.rows())
    .fetch_all(pool)
    .await
}

/// One claim.
pub async fn find(pool: &PgPool, id: &ClaimId) -> Result<Option<ClaimRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM claims WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
}
