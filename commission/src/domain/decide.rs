//! What facts from campaign and tracking do, and what the end of a hold does.
//!
//! Facts cannot be refused: what cannot be paid is suspended with its reason, and what no correct sender says becomes a
//! dead letter.

use schemas::{
    About, CommissionApprovedV1, CommissionReversedV1, ConversionAttributedV1, ConversionRefundedV1,
};
use types::{ConversionId, Earning, EarningStatus, MAX_EARNED, Micros, Money, reversal_due};

use super::{
    Basis, Calculated, CalculatedStatus, Code, Commission, Event, Parties, Plan, PlanKey,
    Rejection, Status, Suspense,
};

/// How long a conversion waits for its version of the plan: topics have no order among each other.
pub const PLAN_WAIT_SECONDS: i64 = 24 * 60 * 60;

schemas::events! {
    /// What commission is sent.
    pub enum Fact {
        /// A campaign promises to pay.
        TermsPublished(TermsPublishedV1),
        /// A conversion is a partner's.
        Attributed(ConversionAttributedV1),
        /// Money of a purchase went back.
        Refunded(ConversionRefundedV1),
    }
}

/// What a fact comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// This happened.
    Event(Event),
    /// The plan must be known first.
    WaitFor(PlanKey),
    /// No correct sender says this: an operator must look.
    DeadLetter(&'static str),
}

/// What a conversion that was attributed then earns by the plan that its partner had accepted.
pub fn calculate(
    attribution: &About<ConversionAttributedV1>,
    known: Option<&Commission>,
    plan: Option<&Plan>,
    attributed: Micros,
) -> Reaction {
    if known.is_some() {
        return Reaction::DeadLetter("the conversion has earned its commission before");
    }
    let Some(plan) = plan else {
        return Reaction::WaitFor(PlanKey {
            campaign: attribution.campaign_id.clone(),
            version: attribution.terms_version,
        });
    };
    let basis = Basis {
        event_type: attribution.event_type,
        base: attribution.amount,
        earning: plan.earning(attribution.event_type),
        plan_version: attribution.terms_version,
    };
    let (amount, status) = match earn(&basis, plan) {
        Ok(amount) if amount.minor > MAX_EARNED => Err(Suspense::OutOfRange),
        Ok(amount) => hold(amount, plan, attributed),
        Err(suspense) => Err(suspense),
    }
    .unwrap_or_else(|suspense| (nothing(&basis, plan), CalculatedStatus::Suspended(suspense)));
    Reaction::Event(Event::Calculated(Calculated {
        conversion: attribution.subject.clone(),
        parties: Parties {
            campaign: attribution.campaign_id.clone(),
            partner: attribution.partner_id.clone(),
            brand: attribution.brand_id.clone(),
        },
        basis,
        amount,
        status,
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
fn hold(amount: Money, plan: &Plan, from: Micros) -> Result<(Money, CalculatedStatus), Suspense> {
    if plan.hold_days == 0 || amount.minor == 0 {
        return Ok((amount, CalculatedStatus::Approved));
    }
    let until = from
        .checked_add_days(i64::from(plan.hold_days))
        .ok_or(Suspense::OutOfRange)?;
    Ok((amount, CalculatedStatus::Held { until }))
}

/// What a refund takes back: cumulatively, so that refunds that add up to the purchase take back exactly the commission.
pub fn reverse(refund: &About<ConversionRefundedV1>, known: Option<&Commission>) -> Reaction {
    // Tracking states a conversion before its refunds, and what is in the retry queue holds back what follows it.
    let Some(commission) = known else {
        return Reaction::DeadLetter("there is no commission of the refunded conversion");
    };
    if refund.refunded_total.currency != refund.purchase_amount.currency {
        return Reaction::DeadLetter("the refund is not in the currency of its purchase");
    }
    let amount = commission.calculated.amount;
    let due = reversal_due(
        amount.minor,
        refund.refunded_total.minor,
        refund.purchase_amount.minor,
        commission.reversed.minor,
    );
    let due = due.map(|minor| Money::new(minor, amount.currency));
    let Ok((due, reversed_total)) =
        due.and_then(|due| Ok((due, commission.reversed.checked_add(due)?)))
    else {
        return Reaction::DeadLetter("the refund's amounts are out of range");
    };
    let parties = &commission.calculated.parties;
    let from = if commission.held_until().is_some() {
        EarningStatus::Pending
    } else {
        EarningStatus::Payable
    };
    let reversed = CommissionReversedV1 {
        partner_id: parties.partner.clone(),
        brand_id: parties.brand.clone(),
        amount: due,
        reversed_total,
        from,
    };
    Reaction::Event(About::of(refund.subject.clone(), reversed).into())
}

/// What a hold's own timer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// The hold ends.
    Event(Event),
    /// It ends in so many seconds: the clock was set back since the timer fired.
    In(i64),
}

/// Ends a hold that is due then: what is left of the commission is earned for good.
pub fn release_hold(
    id: &ConversionId,
    commission: Option<&Commission>,
    due_at: Micros,
    now: Micros,
) -> Result<Release, Rejection> {
    let unknown = || Rejection::new(Code::CommissionUnknown, "there is no such commission");
    let not_held = || Rejection::new(Code::NotHeld, "the commission is not on hold");
    let commission = commission.ok_or_else(unknown)?;
    let until = commission
        .held_until()
        .filter(|_| commission.status() == Status::Held)
        .ok_or_else(not_held)?;
    if due_at < until {
        let detail = "the hold lasts until later";
        return Err(Rejection::new(Code::HoldNotOver, detail));
    }
    // Its id follows from when it is due: one that was refused would never come again.
    if now < until {
        let seconds = until.0.saturating_sub(now.0).div_euclid(1_000_000) + 1;
        return Ok(Release::In(seconds));
    }
    let parties = &commission.calculated.parties;
    let amount = commission.remaining().map_err(|_| not_held())?;
    let approved = CommissionApprovedV1 {
        partner_id: parties.partner.clone(),
        brand_id: parties.brand.clone(),
        amount,
    };
    Ok(Release::Event(About::of(id.clone(), approved).into()))
}
