//! What a report comes to.

use schemas::{About, ClaimedSale, ConversionAttributedV1, ConversionDuplicateIgnoredV1};
use types::{
    Amount, AmountError, BrandId, ConversionId, ConversionType, Currency, MAX_CLOCK_SKEW_SECONDS,
    Micros, Money, Uuid,
};

use super::attribution::{Candidate, attribute};
use super::claim::{claim, leaves_open, settle};
use super::refund::{refund, take_back};
use super::{
    Access, Attributed, Campaign, Claims, Code, Conversion, Event, EventRecorded, EventType, Order,
    Orders, Rejection, Report, Status, Unattributed, UnattributedReason, VerifiedBy,
};

/// What a report is decided by.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The conversions that the report could be about.
    pub orders: &'a Orders,
    /// Claims of those conversions.
    pub claims: &'a Claims,
    /// The click that may have led there.
    pub candidate: Option<&'a Candidate>,
    /// The campaign that the report names.
    pub campaign: Option<&'a Campaign>,
    /// What the reporter may touch.
    pub access: &'a Access,
    /// Our time.
    pub now: Micros,
}

impl<'a> Known<'a> {
    /// Which order the report is about.
    pub(super) fn order(&self, report: &'a Report) -> Order<'a> {
        let campaign = self.campaign.map(|campaign| &campaign.brand);
        Order::of(report, self.access, campaign, self.candidate)
    }
}

impl Report {
    /// When it happened, bounded by our time.
    pub fn happened_at(&self, now: Micros) -> Micros {
        self.occurred_at.min(now)
    }

    /// The latest that a click may be which led to it. Who names a click had it, and so had who claims no time, by whose request ours is: the
    /// clock that such a click was dated by may be ahead of the one that dates the report.
    pub fn clicked_by(&self, now: Micros) -> Micros {
        let at = self.happened_at(now);
        if self.claims_time && self.click.is_none() {
            return at;
        }
        at.checked_add_seconds(MAX_CLOCK_SKEW_SECONDS).unwrap_or(at)
    }
}

/// Decides upon a report.
pub fn record<'a>(report: &'a Report, known: Known<'a>) -> Result<Vec<Event>, Rejection> {
    let latest = known.now.checked_add_seconds(MAX_CLOCK_SKEW_SECONDS);
    if latest.is_some_and(|latest| report.occurred_at > latest) {
        return Err(Rejection::of(
            "/occurred_at",
            Code::TimeInFuture,
            "must not be more than 5 minutes ahead",
        ));
    }
    match report.event_type {
        EventType::Conversion(conversion) => convert(report, conversion, known),
        EventType::Refund => refund(report, known),
        EventType::Other(_) => Ok(vec![Event::Recorded(other(report, known.candidate))]),
    }
}

fn convert<'a>(
    report: &'a Report,
    event_type: ConversionType,
    known: Known<'a>,
) -> Result<Vec<Event>, Rejection> {
    if event_type == ConversionType::Purchase && report.amount.is_none() {
        return Err(Rejection::of(
            "/amount",
            Code::AmountRequired,
            "a purchase needs an amount",
        ));
    }
    let attributed = attribute(report, known.candidate, known.campaign.is_some(), known.now);
    check_access(report, &known, attributed)?;
    let order = known.order(report);
    // A partner's own word earns nothing: what it may report at all, it claims.
    if let Ok(candidate) = attributed
        && !known.access.speaks_for_a_shop()
    {
        let sale = sale(report, event_type, candidate, order.id())?;
        return Ok(vec![claim(report, sale, &order, &known)]);
    }
    let first = order.first(known.orders);
    let (id, events) = match first {
        Some(first) => (first.0, repeated(report, &order, first, known.orders)),
        None => (
            order.id(),
            converted(report, event_type, attributed, &order, &known)?,
        ),
    };
    let mut open = known.claims.open_of(order.ids().chain([id]));
    open.retain(|(_, claim)| match first {
        Some((id, first)) => !leaves_open(id, first, &claim.sale),
        None => attributed.is_ok() || *id != claim.sale.conversion_id,
    });
    Ok(events.into_iter().chain(settle(open, id)).collect())
}

/// What is reported, with what counts for it.
fn sale(
    report: &Report,
    event_type: ConversionType,
    candidate: &Candidate,
    conversion: &ConversionId,
) -> Result<ClaimedSale, Rejection> {
    Ok(ClaimedSale {
        conversion_id: conversion.clone(),
        event_type,
        order_id: report.order.clone(),
        campaign_id: candidate.campaign.clone(),
        brand_id: candidate.brand.clone(),
        partner_id: candidate.partner.clone(),
        link_code: candidate.link.clone(),
        click_id: candidate.click.clone(),
        amount: amount(report, candidate)?,
        terms_version: candidate.terms_version,
        // What was not claimed is not stated to be earlier than what led to it.
        occurred_at: if report.claims_time {
            report.occurred_at
        } else {
            report.occurred_at.max(candidate.clicked_at)
        },
    })
}

/// How a sale's click was chosen.
pub(super) struct Choice {
    clicked_at: Micros,
    /// The report named it; else it is the visitor's last that qualifies.
    is_named: bool,
}

/// A sale becomes its partner's on somebody's word, and refunds that waited for it are taken back.
pub(super) fn attributed_sale(
    sale: ClaimedSale,
    alias_id: Option<ConversionId>,
    by: VerifiedBy,
    choice: Option<Choice>,
    orders: &Orders,
) -> impl Iterator<Item = Event> {
    let attributed = ConversionAttributedV1 {
        event_type: sale.event_type,
        order_id: sale.order_id,
        alias_id,
        campaign_id: sale.campaign_id,
        brand_id: sale.brand_id,
        partner_id: sale.partner_id,
        link_code: sale.link_code,
        click_id: sale.click_id,
        amount: sale.amount,
        terms_version: sale.terms_version,
        occurred_at: sale.occurred_at,
        verified_by: Some(by.name().to_owned()),
        clicked_at: choice.as_ref().map(|it| it.clicked_at),
        click_named: choice.map(|it| it.is_named),
    };
    let event = About::of(sale.conversion_id, attributed);
    let refunded = refunds_noted_before(orders, &event);
    [Event::Attributed(event)].into_iter().chain(refunded)
}

/// What the first report of an order comes to.
fn converted(
    report: &Report,
    event_type: ConversionType,
    attributed: Result<&Candidate, UnattributedReason>,
    order: &Order<'_>,
    known: &Known<'_>,
) -> Result<Vec<Event>, Rejection> {
    let candidate = match attributed {
        Ok(candidate) => candidate,
        Err(reason) => return unattributed(report, event_type, order.id(), reason),
    };
    let sale = sale(report, event_type, candidate, order.id())?;
    let (alias, by) = (order.alias(known.orders), known.access.verified_by());
    let choice = Choice {
        clicked_at: candidate.clicked_at,
        is_named: report.click.is_some(),
    };
    Ok(attributed_sale(sale, alias, by, Some(choice), known.orders).collect())
}

/// What is not one's own looks like what does not exist. A partner may report only what its own click led to: else it
/// could take orders from others by reporting them first.
fn check_access(
    report: &Report,
    known: &Known<'_>,
    attributed: Result<&Candidate, UnattributedReason>,
) -> Result<(), Rejection> {
    let campaign_unknown =
        || Rejection::of("/campaign_id", Code::CampaignUnknown, "no such campaign");
    let no_click = || Rejection::new(Code::ClickUnknown, "no click of yours led to this");
    match attributed {
        Ok(candidate)
            if known
                .access
                .may_report(&candidate.partner, &candidate.brand) =>
        {
            Ok(())
        }
        Ok(_) if known.access.speaks_for_a_shop() && report.campaign.is_some() => {
            Err(campaign_unknown())
        }
        Err(_) if known.access.speaks_for_a_shop() => match known.campaign {
            Some(campaign) if !known.access.is_brand(&campaign.brand) => Err(campaign_unknown()),
            _ => Ok(()),
        },
        _ => Err(no_click()),
    }
}

fn amount(report: &Report, candidate: &Candidate) -> Result<Option<Money>, Rejection> {
    money(report.amount, report.currency, candidate.currency)
}

/// An amount as it was reported, in the campaign's currency.
pub(super) fn money(
    amount: Option<Amount>,
    currency: Option<Currency>,
    of_campaign: Currency,
) -> Result<Option<Money>, Rejection> {
    if let Some(currency) = currency
        && currency != of_campaign
    {
        let detail = format!("the campaign's currency is {of_campaign}");
        return Err(Rejection::of("/currency", Code::CurrencyMismatch, detail));
    }
    let amount = amount.map(|amount| amount.into_money(of_campaign));
    amount.transpose().map_err(amount_refused)
}

/// A refusal of an amount.
pub(crate) fn amount_refused(error: AmountError) -> Rejection {
    let code = match error {
        AmountError::TooPrecise { .. } => Code::AmountPrecision,
        _ => Code::InvalidField,
    };
    Rejection::of("/amount", code, format!("the amount {error}"))
}

/// Refunds that came before the purchase, all at once: those that its alias has are its own, and so are those of ids that have come to mean
/// it while it was nobody's.
fn refunds_noted_before(orders: &Orders, event: &Attributed) -> Option<Event> {
    let mine = orders.aliases.iter();
    let mine = mine
        .filter(|(_, own)| **own == event.subject)
        .map(|(id, _)| id);
    let mut ids: Vec<_> = mine
        .chain(&event.alias_id)
        .chain([&event.subject])
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let waiting = ids.into_iter().filter_map(|id| orders.conversions.get(id));
    let noted = waiting.flat_map(|waiting| &waiting.noted);
    let fresh = Conversion {
        status: Status::Attributed(event.clone()),
        event_id: Uuid::nil(),
        recorded_at: event.occurred_at,
        position: 0,
        noted: Vec::new(),
        refunded_minor: 0,
        is_taken_back: false,
    };
    take_back(&event.subject, &fresh, noted, orders)
}

fn unattributed(
    report: &Report,
    event_type: ConversionType,
    conversion: &ConversionId,
    reason: UnattributedReason,
) -> Result<Vec<Event>, Rejection> {
    if let (Some(amount), Some(currency)) = (report.amount, report.currency) {
        amount.into_money(currency).map_err(amount_refused)?;
    }
    Ok(vec![Event::Unattributed(Unattributed {
        conversion: conversion.clone(),
        event_type,
        reason,
        amount: report.amount,
        currency: report.currency,
        order: report.order.clone(),
        campaign: report.campaign.clone(),
        click: report.click.clone(),
        user: report.user.hash,
        occurred_at: report.occurred_at,
    })])
}

/// An order that was reported before. What its sender calls it means it from now on, unless that means another's; refunds
/// that wait there are taken back late.
fn repeated(
    report: &Report,
    order: &Order<'_>,
    (id, first): (&ConversionId, &Conversion),
    orders: &Orders,
) -> Vec<Event> {
    let may_mean = order.may_mean(id, orders);
    let called = if may_mean { &report.conversion } else { id };
    let other = (called != id).then(|| id.clone());
    let brand = match &first.status {
        Status::Attributed(purchase) => Some(&purchase.brand_id),
        _ => None,
    };
    let event = duplicate(report, called, first.event_id, other, brand);
    let waiting = orders.find(called).filter(|(found, _)| *found != id);
    let noted = waiting.into_iter().flat_map(|(_, waiting)| &waiting.noted);
    let late = take_back(id, first, noted, orders);
    [event].into_iter().chain(late).collect()
}

/// What was reported or claimed before, by the event that did.
pub(super) fn duplicate(
    report: &Report,
    called: &ConversionId,
    first_event_id: Uuid,
    first_conversion_id: Option<ConversionId>,
    brand: Option<&BrandId>,
) -> Event {
    let ignored = ConversionDuplicateIgnoredV1 {
        event_type: report.event_type.as_str().to_owned(),
        first_event_id,
        order_id: report.order.clone(),
        first_conversion_id,
        brand_id: brand.cloned(),
    };
    About::of(called.clone(), ignored).into()
}

fn other(report: &Report, candidate: Option<&Candidate>) -> EventRecorded {
    let campaign = candidate.map(|candidate| candidate.campaign.clone());
    EventRecorded {
        conversion: report.conversion.clone(),
        event_type: report.event_type.clone(),
        user: report.user.hash,
        link: candidate.map(|candidate| candidate.link.clone()),
        click: candidate.map(|candidate| candidate.click.clone()),
        campaign: campaign.or_else(|| report.campaign.clone()),
        order: report.order.clone(),
        occurred_at: report.occurred_at,
    }
}
