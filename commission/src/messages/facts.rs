//! What campaign and tracking say, as domain values.

use money::{
    AmountError, ArithmeticError, BasisPoints, BrandId, CampaignId, ConversionId, Currency,
    InvalidId, Micros, Money, PartnerId,
};
use schemas::{ConversionAttributedV1, ConversionRefundedV1, Header, TermsPublishedV1, WireMoney};
use thiserror::Error;

use crate::domain::{Attribution, Earning, EventType, Parties, Plan, PlanKey, Refund};

/// A message that this build cannot take at its word: of a later build, or of none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unreadable {
    /// A text that is no id.
    #[error("an id {0}")]
    Id(#[from] InvalidId),
    /// A currency that is on no list of ours.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A rate above the whole.
    #[error("a rate is no part of the whole: {0}")]
    Rate(ArithmeticError),
    /// A part of a plan that makes no sense.
    #[error("the plan {0}")]
    Plan(&'static str),
    /// A status that a commission never has.
    #[error("{0} is no status of a commission")]
    Status(String),
    /// An event type that earns nothing anywhere.
    #[error("{0} is neither a purchase nor a lead")]
    EventType(String),
}

/// A published plan, as it will be adopted.
pub(crate) fn plan(
    header: &Header,
    terms: &TermsPublishedV1,
) -> Result<(PlanKey, Plan), Unreadable> {
    let key = PlanKey {
        campaign: CampaignId::parse(header.subject.as_str())?,
        version: terms.version,
    };
    let body = PlanBody {
        plan: &terms.plan,
        currency: &terms.currency,
        brand_id: &terms.brand_id,
        effective_at: terms.effective_at,
    };
    Ok((key, body.read()?))
}

/// What `terms.published` and `plan.adopted` have in common.
pub(super) struct PlanBody<'a> {
    pub plan: &'a schemas::Plan,
    pub currency: &'a str,
    pub brand_id: &'a str,
    pub effective_at: Micros,
}

impl PlanBody<'_> {
    pub(super) fn read(&self) -> Result<Plan, Unreadable> {
        let plan = self.plan;
        Ok(Plan {
            sale: earning(plan.sale_bps, plan.sale_flat.as_ref())?,
            lead: earning(plan.lead_bps, plan.lead_flat.as_ref())?,
            hold_days: u16::try_from(plan.hold_days)
                .map_err(|_| Unreadable::Plan("holds for a number of days that is none"))?,
            currency: Currency::parse(self.currency)?,
            brand: BrandId::parse(self.brand_id)?,
            effective_at: self.effective_at,
        })
    }
}

/// A rate or a flat amount, or neither.
pub(super) fn earning(
    bps: Option<i32>,
    flat: Option<&WireMoney>,
) -> Result<Option<Earning>, Unreadable> {
    match (bps, flat) {
        (None, None) => Ok(None),
        (Some(bps), None) => BasisPoints::try_from(i64::from(bps))
            .map(|rate| Some(Earning::Rate(rate)))
            .map_err(Unreadable::Rate),
        (None, Some(flat)) if flat.minor < 0 => Err(Unreadable::Plan("pays less than nothing")),
        (None, Some(flat)) => Ok(Some(Earning::Flat(Money::try_from(flat)?))),
        (Some(_), Some(_)) => Err(Unreadable::Plan(
            "pays both a rate and a flat amount for one event",
        )),
    }
}

/// A conversion that is a partner's.
pub(crate) fn attribution(
    header: &Header,
    body: &ConversionAttributedV1,
) -> Result<Attribution, Unreadable> {
    Ok(Attribution {
        conversion: ConversionId::parse(header.subject.as_str())?,
        parties: Parties {
            campaign: CampaignId::parse(body.campaign_id.as_str())?,
            partner: PartnerId::parse(body.partner_id.as_str())?,
            brand: BrandId::parse(body.brand_id.as_str())?,
        },
        event_type: event_type(&body.event_type)?,
        base: body.amount.as_ref().map(Money::try_from).transpose()?,
        plan_version: body.terms_version,
    })
}

pub(super) fn event_type(name: &str) -> Result<EventType, Unreadable> {
    EventType::parse(name).ok_or_else(|| Unreadable::EventType(name.chars().take(64).collect()))
}

/// Money of a purchase that went back.
pub(crate) fn refund(header: &Header, body: &ConversionRefundedV1) -> Result<Refund, Unreadable> {
    Ok(Refund {
        conversion: ConversionId::parse(header.subject.as_str())?,
        refunded_total: Money::try_from(if planted::is(planted::Fault::RefundRoundedPerPart) {
            &body.amount
        } else {
            &body.refunded_total
        })?,
        purchase_amount: Money::try_from(&body.purchase_amount)?,
    })
}
