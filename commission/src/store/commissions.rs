//! `commissions`: one for each conversion that was a partner's.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::lists;
use serde::Deserialize;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{
    BrandId, CampaignId, ConversionId, ConversionType, Currency, Earning, Micros, Money, PartnerId,
    TermsVersion,
};

use super::plans::{earning, money};
use crate::domain::{Basis, Calculated, CalculatedStatus, Commission, Parties, Status, Suspense};
use crate::state::Kept;

/// A row as it stands. Times are microseconds, amounts minor units.
#[derive(Debug, Clone, FromRow, Deserialize)]
#[allow(missing_docs, reason = "the table's columns")]
pub struct CommissionRow {
    pub id: String,
    pub campaign_id: String,
    pub partner_id: String,
    pub brand_id: String,
    pub event_type: String,
    pub base_minor: Option<i64>,
    pub base_currency: Option<String>,
    pub rate_bps: Option<i32>,
    pub flat_minor: Option<i64>,
    pub flat_currency: Option<String>,
    pub plan_version: i32,
    pub amount_minor: i64,
    pub currency: String,
    pub suspense: Option<String>,
    pub hold_until: Option<i64>,
    pub calculated_at: i64,
    pub approved_at: Option<i64>,
    pub reversed_minor: i64,
    pub status: String,
    pub position: i64,
}

impl CommissionRow {
    /// `None` when the row is none of ours.
    pub fn into_commission(self) -> Option<Kept> {
        let currency = Currency::parse(&self.currency).ok()?;
        let flat = money(self.flat_minor, self.flat_currency.as_deref())?;
        let status = match (self.suspense, self.hold_until) {
            (Some(name), _) => CalculatedStatus::Suspended(Suspense::parse(&name)?),
            (None, Some(until)) => CalculatedStatus::Held {
                until: Micros(until),
            },
            (None, None) => CalculatedStatus::Approved,
        };
        let calculated = Calculated {
            conversion: ConversionId::parse(self.id).ok()?,
            parties: Parties {
                campaign: CampaignId::parse(self.campaign_id).ok()?,
                partner: PartnerId::parse(self.partner_id).ok()?,
                brand: BrandId::parse(self.brand_id).ok()?,
            },
            basis: Basis {
                event_type: ConversionType::parse(&self.event_type)?,
                base: money(self.base_minor, self.base_currency.as_deref())?,
                earning: earning(self.rate_bps, flat)?,
                plan_version: TermsVersion::new(self.plan_version).ok()?,
            },
            amount: Money::new(self.amount_minor, currency),
            status,
        };
        let commission = Commission {
            calculated,
            calculated_at: Micros(self.calculated_at),
            approved_at: self.approved_at.map(Micros),
            reversed: Money::new(self.reversed_minor, currency),
        };
        Some(Kept {
            commission,
            position: self.position,
            is_stored: true,
        })
    }
}

/// Adds new commissions, and what changed in known ones.
pub(crate) async fn upsert(
    connection: &mut PgConnection,
    rows: &[&Kept],
) -> Result<(), sqlx::Error> {
    let base = |kept: &&Kept| kept.commission.calculated.basis.base;
    let earning = |kept: &&Kept| kept.commission.calculated.basis.earning;
    let flat = |kept: &&Kept| earning(kept).and_then(Earning::flat);
    messaging::insert_rows!(connection, rows => "commissions" {
        id: text = |kept| kept.commission.calculated.conversion.as_str(),
        campaign_id: text = |kept| kept.commission.calculated.parties.campaign.as_str(),
        partner_id: text = |kept| kept.commission.calculated.parties.partner.as_str(),
        brand_id: text = |kept| kept.commission.calculated.parties.brand.as_str(),
        event_type: text = |kept| kept.commission.calculated.basis.event_type.name(),
        base_minor: bigint = |kept| base(kept).map(|base| base.minor),
        base_currency: text = |kept| base(kept).map(|base| base.currency.code()),
        rate_bps: int = |kept| earning(kept).and_then(Earning::bps),
        flat_minor: bigint = |kept| flat(kept).map(|flat| flat.minor),
        flat_currency: text = |kept| flat(kept).map(|flat| flat.currency.code()),
        plan_version: int = |kept| kept.commission.calculated.basis.plan_version.get(),
        amount_minor: bigint = |kept| kept.commission.calculated.amount.minor,
        currency: text = |kept| kept.commission.calculated.amount.currency.code(),
        suspense: text = |kept| match kept.commission.calculated.status {
            CalculatedStatus::Suspended(suspense) => Some(suspense.name()),
            _ => None,
        },
        hold_until: bigint = |kept| match kept.commission.calculated.status {
            CalculatedStatus::Held { until } => Some(until.0),
            _ => None,
        },
        calculated_at: bigint = |kept| kept.commission.calculated_at.0,
        approved_at: bigint = |kept| kept.commission.approved_at.map(|at| at.0),
        reversed_minor: bigint = |kept| kept.commission.reversed.minor,
        status: text = |kept| kept.commission.status().name(),
        position: bigint = |kept| kept.position,
    } on (id) set (approved_at, reversed_minor, status) new if |kept| !kept.is_stored)
    .await
}

/// Which commissions a list shows: all that is set must hold.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// Only what is seen by who lists them.
    pub scope: Scope<'a>,
    /// Of this campaign.
    pub campaign: Option<&'a CampaignId>,
    /// Of this partner.
    pub partner: Option<&'a PartnerId>,
    /// In this status.
    pub status: Option<Status>,
    /// For this.
    pub event_type: Option<ConversionType>,
}

/// A page of commissions, newest first.
pub async fn list(
    pool: &PgPool,
    filter: Filter<'_>,
    page: PageQuery,
) -> Result<Vec<CommissionRow>, sqlx::Error> {
    let narrowing = [
        ("campaign_id", filter.campaign.map(CampaignId::as_str)),
        ("partner_id", filter.partner.map(PartnerId::as_str)),
        ("status", filter.status.map(Status::name)),
        ("event_type", filter.event_type.map(ConversionType::name)),
    ];
    let seen = lists::seen_by(filter.scope, "partner_id = ", ("brand_id = ", ""));
    let all = ("SELECT * FROM commissions", "position");
    lists::list(pool, all, page, seen, &narrowing).await
}

/// One commission.
pub async fn find(pool: &PgPool, id: &str) -> Result<Option<CommissionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM commissions WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}
