//! What facts from campaign and tracking do. They cannot be refused: what cannot be paid is suspended with its reason,
//! and what no correct sender says is set aside.

use money::{ConversionId, Micros, Money, reversal_due};
use planted::Fault;

use super::{
    Basis, Calculated, Commission, Earning, Event, EventType, Parties, Plan, PlanKey, Standing,
    Suspense,
};

/// How long a conversion waits for its version of the plan: topics have no order among each other.
pub const PLAN_WAIT_SECONDS: i64 = 24 * 60 * 60;

/// A conversion is a partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The conversion.
    pub conversion: ConversionId,
    /// Between whom.
    pub parties: Parties,
    /// What it is.
    pub event_type: EventType,
    /// What it was worth.
    pub base: Option<Money>,
    /// The version that the partner had accepted.
    pub plan_version: i32,
}

/// Money of a purchase went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The conversion.
    pub conversion: ConversionId,
    /// Of all refunds of the purchase.
    pub refunded_total: Money,
    /// What was paid.
    pub purchase_amount: Money,
}

/// What a fact comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// This happened.
    Event(Event),
    /// The plan must be known first.
    WaitFor(PlanKey),
    /// No correct sender says this: an operator must look.
    SetAside(&'static str),
}

/// Takes a campaign's plan over, so that everything decided later is decided by own facts.
pub fn adopt(key: PlanKey, plan: Plan) -> Event {
    Event::PlanAdopted { key, plan }
}

/// What a conversion earns by the plan that its partner had accepted.
pub fn calculate(
    attribution: &Attribution,
    known: Option<&Commission>,
    plan: Option<&Plan>,
    now: Micros,
) -> Reaction {
    if known.is_some() {
        return Reaction::SetAside("the conversion has earned its commission before");
    }
    let Some(plan) = plan else {
        return Reaction::WaitFor(PlanKey {
            campaign: attribution.parties.campaign.clone(),
            version: attribution.plan_version,
        });
    };
    let basis = Basis {
        event_type: attribution.event_type,
        base: attribution.base,
        earning: plan.earning(attribution.event_type),
        plan_version: attribution.plan_version,
    };
    let (amount, standing) = match earn(&basis, plan) {
        Ok(amount) => hold(amount, plan, now),
        Err(suspense) => Err(suspense),
    }
    .unwrap_or_else(|suspense| (nothing(&basis, plan), Standing::Suspended(suspense)));
    Reaction::Event(Event::Calculated(Calculated {
        conversion: attribution.conversion.clone(),
        parties: attribution.parties.clone(),
        basis,
        amount,
        standing,
    }))
}

/// The amount, rounded once: a part of the conversion's value in the value's own currency, or the plan's flat amount.
fn earn(basis: &Basis, plan: &Plan) -> Result<Money, Suspense> {
    match (basis.earning, basis.base) {
        (_, Some(base)) if base.minor < 0 => Err(Suspense::NegativeBase),
        (Some(Earning::Flat(flat)), _) if flat.currency != plan.currency => {
            Err(Suspense::FlatCurrency)
        }
        (Some(Earning::Flat(flat)), _) => Ok(flat),
        (Some(Earning::Rate(rate)), Some(base)) => {
            if planted::is(Fault::FloatInAmount) {
                return Ok(Money::new(
                    planted::through_float(base.minor, rate.get().into()),
                    base.currency,
                ));
            }
            base.share(rate).map_err(|_| Suspense::OutOfRange)
        }
        (Some(Earning::Rate(_)) | None, _) => Ok(nothing(basis, plan)),
    }
}

/// Zero, in the currency that the amount would have.
fn nothing(basis: &Basis, plan: &Plan) -> Money {
    Money::zero(basis.base.map_or(plan.currency, |base| base.currency))
}

/// Whether the amount is pending first. There is no use in holding nothing.
fn hold(amount: Money, plan: &Plan, now: Micros) -> Result<(Money, Standing), Suspense> {
    if plan.hold_days == 0 || amount.minor == 0 {
        return Ok((amount, Standing::Approved));
    }
    let until = now
        .checked_add_days(i64::from(plan.hold_days))
        .ok_or(Suspense::OutOfRange)?;
    Ok((amount, Standing::Held { until }))
}

/// What a refund takes back: cumulatively, so that refunds that add up to the purchase take back exactly the commission.
pub fn reverse(refund: &Refund, known: Option<&Commission>) -> Reaction {
    // Tracking tells of a conversion before its refunds, and what is set aside holds back what follows it.
    let Some(commission) = known else {
        return Reaction::SetAside("there is no commission of the refunded conversion");
    };
    if refund.refunded_total.currency != refund.purchase_amount.currency {
        return Reaction::SetAside("the refund is not in the currency of its purchase");
    }
    let amount = commission.calculated.amount;
    let so_far = if planted::is(Fault::RefundRoundedPerPart) {
        0
    } else {
        commission.reversed.minor
    };
    let due = reversal_due(
        amount.minor,
        refund.refunded_total.minor,
        refund.purchase_amount.minor,
        so_far,
    );
    let due = due.map(|minor| Money::new(minor, amount.currency));
    let Ok((due, reversed_total)) =
        due.and_then(|due| Ok((due, commission.reversed.checked_add(due)?)))
    else {
        return Reaction::SetAside("the refund's amounts are out of range");
    };
    let parties = &commission.calculated.parties;
    Reaction::Event(Event::Reversed {
        conversion: refund.conversion.clone(),
        partner: parties.partner.clone(),
        brand: parties.brand.clone(),
        amount: due,
        reversed_total,
        pending: commission.held_until().is_some(),
    })
}
