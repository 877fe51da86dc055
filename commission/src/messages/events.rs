//! Where an event on the wire and one of the domain differ: the plan, and the status with what the amount was made of.

use schemas::{
    About, CommissionCalculatedV1, PlanAdoptedV1, TermsPublishedV1, Unreadable, WireMoney,
};
use types::{AmountError, BasisPoints, CampaignId, Earning, Money};

use crate::domain::{
    Basis, Calculated, CalculatedStatus, Parties, Plan, PlanAdopted, PlanKey, Suspense,
};

impl TryFrom<About<TermsPublishedV1>> for PlanAdopted {
    type Error = Unreadable;

    /// A campaign's plan as it is taken over, so that everything decided later is decided by own facts.
    fn try_from(published: About<TermsPublishedV1>) -> Result<Self, Unreadable> {
        let TermsPublishedV1 {
            version,
            brand_id,
            currency,
            plan,
            effective_at,
            ..
        } = published.record;
        Self::of(
            published.subject,
            PlanAdoptedV1 {
                version,
                plan,
                currency,
                brand_id,
                effective_at,
            },
        )
    }
}

impl TryFrom<About<PlanAdoptedV1>> for PlanAdopted {
    type Error = Unreadable;

    fn try_from(adopted: About<PlanAdoptedV1>) -> Result<Self, Unreadable> {
        Self::of(adopted.subject, adopted.record)
    }
}

impl PlanAdopted {
    fn of(campaign: CampaignId, adopted: PlanAdoptedV1) -> Result<Self, Unreadable> {
        let plan = adopted.plan;
        Ok(Self {
            key: PlanKey {
                campaign,
                version: adopted.version,
            },
            plan: Plan {
                sale: earning("plan.sale", plan.sale_bps, plan.sale_flat.as_ref())?,
                lead: earning("plan.lead", plan.lead_bps, plan.lead_flat.as_ref())?,
                hold_days: u16::try_from(plan.hold_days)
                    .map_err(|_| Unreadable::new("plan.hold_days", "is no number of days"))?,
                currency: adopted.currency,
                brand: adopted.brand_id,
                effective_at: adopted.effective_at,
            },
        })
    }
}

impl From<PlanAdopted> for About<PlanAdoptedV1> {
    fn from(PlanAdopted { key, plan }: PlanAdopted) -> Self {
        let bps = |earning: Option<Earning>| earning.and_then(Earning::bps);
        let flat = |earning: Option<Earning>| earning.and_then(Earning::flat).map(WireMoney::from);
        let record = PlanAdoptedV1 {
            version: key.version,
            plan: schemas::Plan {
                sale_bps: bps(plan.sale),
                sale_flat: flat(plan.sale),
                lead_bps: bps(plan.lead),
                lead_flat: flat(plan.lead),
                hold_days: i32::from(plan.hold_days),
            },
            currency: plan.currency,
            brand_id: plan.brand,
            effective_at: plan.effective_at,
        };
        Self::of(key.campaign, record)
    }
}

/// A rate or a flat amount; both at once make no sense.
fn earning(
    field: &'static str,
    bps: Option<i32>,
    flat: Option<&WireMoney>,
) -> Result<Option<Earning>, Unreadable> {
    match (bps, flat) {
        (None, None) => Ok(None),
        (Some(bps), None) => BasisPoints::new(bps)
            .map(|rate| Some(Earning::Rate(rate)))
            .ok_or_else(|| Unreadable::new(field, "a rate is no part of the whole")),
        (None, Some(flat)) if flat.minor < 0 => {
            Err(Unreadable::new(field, "pays less than nothing"))
        }
        (None, Some(flat)) => {
            let flat = Money::try_from(flat);
            let flat = flat.map_err(|error: AmountError| Unreadable::new(field, error))?;
            Ok(Some(Earning::Flat(flat)))
        }
        (Some(_), Some(_)) => Err(Unreadable::new(
            field,
            "pays both a rate and a flat amount for one event",
        )),
    }
}

impl TryFrom<About<CommissionCalculatedV1>> for Calculated {
    type Error = Unreadable;

    fn try_from(calculated: About<CommissionCalculatedV1>) -> Result<Self, Unreadable> {
        let record = calculated.record;
        let suspended = |suspense: &Suspense| suspense.status() == record.status;
        let status = match (record.hold_until, record.status.as_str()) {
            (Some(until), _) => CalculatedStatus::Held { until },
            (None, "approved") => CalculatedStatus::Approved,
            (None, status) => Suspense::ALL
                .into_iter()
                .find(suspended)
                .map(CalculatedStatus::Suspended)
                .ok_or_else(|| {
                    Unreadable::new("status", format!("{status} is no status of a commission"))
                })?,
        };
        let flat = record.flat.map(WireMoney::from);
        Ok(Self {
            conversion: calculated.subject,
            parties: Parties {
                campaign: record.campaign_id,
                partner: record.partner_id,
                brand: record.brand_id,
            },
            basis: Basis {
                event_type: record.event_type,
                base: record.base,
                earning: earning("rate_bps", record.rate_bps, flat.as_ref())?,
                plan_version: record.plan_version,
            },
            amount: record.amount,
            status,
        })
    }
}

impl From<Calculated> for About<CommissionCalculatedV1> {
    fn from(calculated: Calculated) -> Self {
        let Calculated {
            conversion,
            parties,
            basis,
            amount,
            status,
        } = calculated;
        let (status, hold_until) = match status {
            CalculatedStatus::Approved => ("approved", None),
            CalculatedStatus::Held { until } => ("held", Some(until)),
            CalculatedStatus::Suspended(suspense) => (suspense.status(), None),
        };
        let record = CommissionCalculatedV1 {
            partner_id: parties.partner,
            brand_id: parties.brand,
            campaign_id: parties.campaign,
            event_type: basis.event_type,
            base: basis.base,
            rate_bps: basis.earning.and_then(Earning::bps),
            flat: basis.earning.and_then(Earning::flat),
            plan_version: basis.plan_version,
            rounding: basis.rounding().to_owned(),
            amount,
            status: status.to_owned(),
            hold_until,
        };
        Self::of(conversion, record)
    }
}
