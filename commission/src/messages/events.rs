//! Own events on the wire and back. [`own_event`] undoes [`emit`]: the log is all that a replay has.

use money::{BrandId, CampaignId, ConversionId, Money, PartnerId};
use pipeline::Emit;
use schemas::{
    Body, CommissionApprovedV1, CommissionCalculatedV1, CommissionReversedV1, Header, Message,
    PlanAdoptedV1, WireMoney,
};

use super::facts::{PlanBody, Unreadable, earning, event_type};
use crate::domain::{
    Basis, Calculated, Earning, Event, Parties, Plan, PlanKey, Standing, Suspense,
};

/// The wire form of an event.
pub(crate) fn emit(event: &Event) -> Emit {
    let (about, published, body): (&str, bool, Body) = match event {
        Event::PlanAdopted { key, plan } => {
            (key.campaign.as_str(), false, plan_body(key, plan).into())
        }
        Event::Calculated(calculated) => (
            calculated.conversion.as_str(),
            true,
            calculated_body(calculated).into(),
        ),
        Event::Approved {
            conversion,
            partner,
            brand,
            amount,
        } => {
            let body = CommissionApprovedV1 {
                partner_id: partner.to_string(),
                brand_id: brand.to_string(),
                amount: (*amount).into(),
            };
            (conversion.as_str(), true, body.into())
        }
        Event::Reversed {
            conversion,
            partner,
            brand,
            amount,
            reversed_total,
            pending,
        } => {
            let body = CommissionReversedV1 {
                partner_id: partner.to_string(),
                brand_id: brand.to_string(),
                amount: (*amount).into(),
                reversed_total: (*reversed_total).into(),
                from: if *pending { PENDING } else { PAYABLE }.to_owned(),
            };
            (conversion.as_str(), true, body.into())
        }
    };
    Emit {
        key: about.to_owned(),
        subject: about.to_owned(),
        published,
        body,
    }
}

const PENDING: &str = "pending";
const PAYABLE: &str = "payable";

fn plan_body(key: &PlanKey, plan: &Plan) -> PlanAdoptedV1 {
    let bps = |earning: Option<Earning>| earning.and_then(rate_bps);
    let flat = |earning: Option<Earning>| earning.and_then(Earning::flat).map(WireMoney::from);
    PlanAdoptedV1 {
        version: key.version,
        plan: schemas::Plan {
            sale_bps: bps(plan.sale),
            sale_flat: flat(plan.sale),
            lead_bps: bps(plan.lead),
            lead_flat: flat(plan.lead),
            hold_days: i32::from(plan.hold_days),
        },
        currency: plan.currency.code().to_owned(),
        brand_id: plan.brand.to_string(),
        effective_at: plan.effective_at,
    }
}

/// A rate as the wire has it. It is never above 10,000.
pub(crate) fn rate_bps(earning: Earning) -> Option<i32> {
    earning
        .rate()
        .and_then(|rate| i32::try_from(rate.get()).ok())
}

fn calculated_body(calculated: &Calculated) -> CommissionCalculatedV1 {
    let Calculated {
        parties,
        basis,
        amount,
        standing,
        ..
    } = calculated;
    let (status, hold_until) = match standing {
        Standing::Approved => ("approved", None),
        Standing::Held { until } => ("held", Some(*until)),
        Standing::Suspended(suspense) => (suspense.status(), None),
    };
    CommissionCalculatedV1 {
        partner_id: parties.partner.to_string(),
        brand_id: parties.brand.to_string(),
        campaign_id: parties.campaign.to_string(),
        event_type: basis.event_type.name().to_owned(),
        base: basis.base.map(WireMoney::from),
        rate_bps: basis.earning.and_then(rate_bps),
        flat: basis.earning.and_then(Earning::flat).map(WireMoney::from),
        plan_version: basis.plan_version,
        rounding: basis.rounding().to_owned(),
        amount: (*amount).into(),
        status: status.to_owned(),
        hold_until,
    }
}

/// An own event read back; `None` for what is no event of the domain (a rejection).
pub(crate) fn own_event(message: &Message) -> Option<Event> {
    let id = ConversionId::parse(message.header.subject.as_str()).ok()?;
    match &message.body {
        Body::PlanAdoptedV1(body) => adopted(&message.header, body).ok(),
        Body::CommissionCalculatedV1(body) => calculated(id, body).ok(),
        Body::CommissionApprovedV1(body) => approved(id, body).ok(),
        Body::CommissionReversedV1(body) => reversed(id, body).ok(),
        _ => None,
    }
}

fn adopted(header: &Header, body: &PlanAdoptedV1) -> Result<Event, Unreadable> {
    let key = PlanKey {
        campaign: CampaignId::parse(header.subject.as_str())?,
        version: body.version,
    };
    let plan = PlanBody {
        plan: &body.plan,
        currency: &body.currency,
        brand_id: &body.brand_id,
        effective_at: body.effective_at,
    };
    let plan = plan.read()?;
    Ok(Event::PlanAdopted { key, plan })
}

fn calculated(
    conversion: ConversionId,
    body: &CommissionCalculatedV1,
) -> Result<Event, Unreadable> {
    let suspense = Suspense::ALL.into_iter();
    let suspense = suspense.map(|s| (s.status(), Standing::Suspended(s)));
    let standing = match body.hold_until {
        Some(until) => Standing::Held { until },
        None => {
            suspense
                .chain([("approved", Standing::Approved)])
                .find(|(status, _)| *status == body.status)
                .ok_or_else(|| Unreadable::Status(body.status.clone()))?
                .1
        }
    };
    Ok(Event::Calculated(Calculated {
        conversion,
        parties: Parties {
            campaign: CampaignId::parse(body.campaign_id.as_str())?,
            partner: PartnerId::parse(body.partner_id.as_str())?,
            brand: BrandId::parse(body.brand_id.as_str())?,
        },
        basis: Basis {
            event_type: event_type(&body.event_type)?,
            base: body.base.as_ref().map(Money::try_from).transpose()?,
            earning: earning(body.rate_bps, body.flat.as_ref())?,
            plan_version: body.plan_version,
        },
        amount: Money::try_from(&body.amount)?,
        standing,
    }))
}

fn approved(conversion: ConversionId, body: &CommissionApprovedV1) -> Result<Event, Unreadable> {
    Ok(Event::Approved {
        conversion,
        partner: PartnerId::parse(body.partner_id.as_str())?,
        brand: BrandId::parse(body.brand_id.as_str())?,
        amount: Money::try_from(&body.amount)?,
    })
}

fn reversed(conversion: ConversionId, body: &CommissionReversedV1) -> Result<Event, Unreadable> {
    Ok(Event::Reversed {
        conversion,
        partner: PartnerId::parse(body.partner_id.as_str())?,
        brand: BrandId::parse(body.brand_id.as_str())?,
        amount: Money::try_from(&body.amount)?,
        reversed_total: Money::try_from(&body.reversed_total)?,
        pending: body.from == PENDING,
    })
}
