//! What a report comes to.

use money::{ConversionId, Micros, Money};

use super::attribution::{Candidate, Reason, attribute};
use super::refund::{refund, take_back};
use super::{
    Access, Attributed, Campaign, Code, Conversion, DuplicateIgnored, Event, EventRecorded,
    EventType, Orders, Rejection, Report, Standing, Unattributed,
};

/// How far a reporter's clock may be ahead of ours, in seconds.
const MAX_AHEAD_SECONDS: i64 = 300;

/// What a report is decided by.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The conversions that the report could be about.
    pub orders: &'a Orders,
    /// The click that may have led there.
    pub candidate: Option<&'a Candidate>,
    /// The campaign that the report names.
    pub campaign: Option<&'a Campaign>,
    /// What the reporter may touch.
    pub access: &'a Access,
    /// Our time.
    pub now: Micros,
}

/// Decides upon a report.
pub fn record(report: &Report, known: Known<'_>) -> Result<Vec<Event>, Rejection> {
    let latest = known.now.checked_add_seconds(MAX_AHEAD_SECONDS);
    if latest.is_some_and(|latest| report.occurred_at > latest) {
        return Err(Rejection::of(
            "/occurred_at",
            Code::TimeInFuture,
            "must not be more than 5 minutes ahead",
        ));
    }
    match report.event_type {
        EventType::Purchase | EventType::Lead => convert(report, known),
        EventType::Refund => refund(report, known),
        EventType::Other(_) => Ok(vec![Event::Recorded(other(report, known.candidate))]),
    }
}

fn convert(report: &Report, known: Known<'_>) -> Result<Vec<Event>, Rejection> {
    if report.event_type == EventType::Purchase && report.amount.is_none() {
        return Err(Rejection::of(
            "/amount",
            Code::AmountRequired,
            "a purchase needs an amount",
        ));
    }
    let at = report.occurred_at.min(known.now);
    let attributed = attribute(report, known.candidate, known.campaign.is_some(), at);
    check_access(report, &known, attributed)?;
    if let Some(first) = known.orders.find_reported(&report.conversion) {
        return Ok(vec![duplicate(report, first)]);
    }
    let candidate = match attributed {
        Ok(candidate) => candidate,
        Err(reason) => return unattributed(report, reason),
    };
    let alias = alias(report, known.orders, candidate);
    if let Some(alias) = alias.as_ref().filter(|_| report.campaign.is_none())
        && let Some(first) = known.orders.find_reported(alias)
    {
        let repeated = duplicate(report, first);
        let noted = known
            .orders
            .find(&report.conversion)
            .map(|(_, noted)| noted);
        let late = take_back(first.0, first.1, noted.into_iter().flat_map(|n| &n.noted));
        return Ok([repeated].into_iter().chain(late).collect());
    }
    let event = Attributed {
        conversion: report.conversion.clone(),
        event_type: report.event_type.clone(),
        order: report.order.clone(),
        alias,
        campaign: candidate.campaign.clone(),
        brand: candidate.brand.clone(),
        partner: candidate.partner.clone(),
        link: candidate.link.clone(),
        click: candidate.click.clone(),
        amount: amount(report, candidate)?,
        terms_version: candidate.terms_version,
        occurred_at: report.occurred_at,
    };
    let refunded = refunds_noted_before(report, known.orders, &event);
    Ok([Event::Attributed(event)]
        .into_iter()
        .chain(refunded)
        .collect())
}

/// What is not one's own looks like what does not exist. A partner may report only what its own click led to: else it
/// could take orders from others by reporting them first.
fn check_access(
    report: &Report,
    known: &Known<'_>,
    attributed: Result<&Candidate, Reason>,
) -> Result<(), Rejection> {
    let campaign_unknown =
        || Rejection::of("/campaign_id", Code::CampaignUnknown, "no such campaign");
    let no_click = || Rejection::new(Code::ClickUnknown, "no click of yours led to this");
    match attributed {
        Ok(candidate) if known.access.covers(&candidate.partner, &candidate.brand) => Ok(()),
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

/// The other conversion id that this order could be reported under: with its campaign when it came without; without one
/// when it came with it and a refund of the same visitor is noted there.
fn alias(report: &Report, orders: &Orders, candidate: &Candidate) -> Option<ConversionId> {
    let order = report.order.as_ref()?;
    if report.campaign.is_none() {
        return Some(ConversionId::of_order(Some(&candidate.campaign), order));
    }
    let bare = ConversionId::of_order(None, order);
    let waiting = orders.conversions.get(&bare)?;
    let same_visitor = waiting.noted.iter().any(|noted| noted.user == report.user);
    let free = !waiting.is_reported() && !orders.aliases.contains_key(&bare);
    (free && same_visitor).then_some(bare)
}

fn amount(report: &Report, candidate: &Candidate) -> Result<Option<Money>, Rejection> {
    if let Some(currency) = report.currency
        && currency != candidate.currency
    {
        let detail = format!("the campaign's currency is {}", candidate.currency);
        return Err(Rejection::of("/currency", Code::CurrencyMismatch, detail));
    }
    let amount = report
        .amount
        .map(|amount| amount.into_money(candidate.currency));
    amount.transpose().map_err(Rejection::of_amount)
}

/// Refunds that came before the purchase, all at once.
fn refunds_noted_before(report: &Report, orders: &Orders, event: &Attributed) -> Option<Event> {
    let ids = [Some(&event.conversion), event.alias.as_ref()];
    let bare = report.campaign.is_some();
    let noted = ids.into_iter().enumerate().flat_map(|(index, id)| {
        let found = id.and_then(|id| orders.conversions.get(id));
        let noted = found.into_iter().flat_map(|conversion| &conversion.noted);
        // Under an id without a campaign another shop's order of the same number may be meant.
        noted.filter(move |noted| index == 0 || !bare || noted.user == report.user)
    });
    let fresh = Conversion {
        standing: Standing::Attributed(event.clone()),
        event_id: money::Uuid::nil(),
        recorded_at: event.occurred_at,
        position: 0,
        noted: Vec::new(),
        refunded_minor: 0,
    };
    take_back(&event.conversion, &fresh, noted)
}

fn unattributed(report: &Report, reason: Reason) -> Result<Vec<Event>, Rejection> {
    if let (Some(amount), Some(currency)) = (report.amount, report.currency) {
        amount.into_money(currency).map_err(Rejection::of_amount)?;
    }
    Ok(vec![Event::Unattributed(Unattributed {
        conversion: report.conversion.clone(),
        event_type: report.event_type.clone(),
        reason,
        amount: report.amount,
        currency: report.currency,
        order: report.order.clone(),
        campaign: report.campaign.clone(),
        click: report.click.clone(),
        user: report.user,
        occurred_at: report.occurred_at,
    })])
}

fn duplicate(report: &Report, (first_id, first): (&ConversionId, &Conversion)) -> Event {
    Event::DuplicateIgnored(DuplicateIgnored {
        conversion: report.conversion.clone(),
        event_type: report.event_type.clone(),
        first_event: first.event_id,
        order: report.order.clone(),
        first_conversion: (*first_id != report.conversion).then(|| first_id.clone()),
    })
}

fn other(report: &Report, candidate: Option<&Candidate>) -> EventRecorded {
    let campaign = candidate.map(|candidate| candidate.campaign.clone());
    EventRecorded {
        conversion: report.conversion.clone(),
        event_type: report.event_type.clone(),
        user: report.user,
        link: candidate.map(|candidate| candidate.link.clone()),
        click: candidate.map(|candidate| candidate.click.clone()),
        campaign: campaign.or_else(|| report.campaign.clone()),
        order: report.order.clone(),
        occurred_at: report.occurred_at,
    }
}
