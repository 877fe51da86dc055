//! `plans`: what campaigns promised, as adopted.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use types::{BasisPoints, BrandId, CampaignId, Currency, Earning, Micros, Money, TermsVersion};

use crate::domain::{Plan, PlanKey};

/// A row as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanRow {
    campaign_id: String,
    version: i32,
    brand_id: String,
    currency: String,
    sale_bps: Option<i32>,
    sale_minor: Option<i64>,
    sale_currency: Option<String>,
    lead_bps: Option<i32>,
    lead_minor: Option<i64>,
    lead_currency: Option<String>,
    hold_days: u16,
    effective_at: i64,
    adopted_at: i64,
    position: i64,
}

impl PlanRow {
    /// A plan that was adopted at this time by the event at this position.
    pub(crate) fn new(key: &PlanKey, plan: &Plan, adopted_at: Micros, position: i64) -> Self {
        let bps = |earning: Option<Earning>| earning.and_then(Earning::bps);
        let flat = |earning: Option<Earning>| earning.and_then(Earning::flat);
        let minor = |earning| flat(earning).map(|flat| flat.minor);
        let currency = |earning| flat(earning).map(|flat| flat.currency.code().to_owned());
        Self {
            campaign_id: key.campaign.to_string(),
            version: key.version.get(),
            brand_id: plan.brand.to_string(),
            currency: plan.currency.code().to_owned(),
            sale_bps: bps(plan.sale),
            sale_minor: minor(plan.sale),
            sale_currency: currency(plan.sale),
            lead_bps: bps(plan.lead),
            lead_minor: minor(plan.lead),
            lead_currency: currency(plan.lead),
            hold_days: plan.hold_days,
            effective_at: plan.effective_at.0,
            adopted_at: adopted_at.0,
            position,
        }
    }

    /// `None` when the row is none of ours.
    pub(crate) fn into_plan(self) -> Option<(PlanKey, Plan)> {
        let key = PlanKey {
            campaign: CampaignId::parse(self.campaign_id).ok()?,
            version: TermsVersion::new(self.version).ok()?,
        };
        let sale = money(self.sale_minor, self.sale_currency.as_deref())?;
        let lead = money(self.lead_minor, self.lead_currency.as_deref())?;
        let plan = Plan {
            sale: earning(self.sale_bps, sale)?,
            lead: earning(self.lead_bps, lead)?,
            hold_days: self.hold_days,
            currency: Currency::parse(&self.currency).ok()?,
            brand: BrandId::parse(self.brand_id).ok()?,
            effective_at: Micros(self.effective_at),
        };
        Some((key, plan))
    }
}

/// A rate or a flat amount from their columns; `None` when they are none of ours.
#[allow(clippy::option_option, reason = "the outer one is the error")]
pub(crate) fn earning(bps: Option<i32>, flat: Option<Money>) -> Option<Option<Earning>> {
    match (bps, flat) {
        (Some(bps), None) => {
            let rate = BasisPoints::new(bps)?;
            Some(Some(Earning::Rate(rate)))
        }
        (None, flat) => Some(flat.map(Earning::Flat)),
        (Some(_), Some(_)) => None,
    }
}

/// An amount from its columns; `None` when they are none of ours.
#[allow(clippy::option_option, reason = "the outer one is the error")]
pub(crate) fn money(minor: Option<i64>, currency: Option<&str>) -> Option<Option<Money>> {
    match (minor, currency) {
        (Some(minor), Some(code)) => Some(Some(Money::new(minor, Currency::parse(code).ok()?))),
        (None, None) => Some(None),
        _ => None,
    }
}

/// Saves versions: a campaign has few, so their rows travel as one JSON. One that is here is replaced.
pub(crate) async fn upsert(
    connection: &mut PgConnection,
    rows: &[PlanRow],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO plans SELECT * FROM jsonb_populate_recordset(null::plans, $1)
         ON CONFLICT (campaign_id, version) DO UPDATE
            SET (brand_id, currency, sale_bps, sale_minor, sale_currency, lead_bps, lead_minor, lead_currency,
                 hold_days, effective_at, adopted_at, position)
              = (excluded.brand_id, excluded.currency, excluded.sale_bps, excluded.sale_minor, excluded.sale_currency,
                 excluded.lead_bps, excluded.lead_minor, excluded.lead_currency,
                 excluded.hold_days, excluded.effective_at, excluded.adopted_at, excluded.position)",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}
