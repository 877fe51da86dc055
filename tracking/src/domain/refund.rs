//! Refunds: cumulative, never above the purchase, and in either order with it. One without an amount is of the whole order, and
//! takes back one that was worth nothing too: it may have earned a flat amount. What was reported without an order is taken back by its
//! conversion: nothing else names it.

use schemas::{About, ConversionRefundedV1};
use types::{ConversionId, Money, OrderId};

use super::order::MAX_NOTED;
use super::report::{Known, amount_refused};
use super::{
    Access, Attributed, Code, Conversion, Event, NotedRefund, Orders, RefundNoted, Rejection,
    Report, Status,
};

/// Decides upon a refund of an order, or of a conversion.
pub(super) fn refund<'a>(report: &'a Report, known: Known<'a>) -> Result<Vec<Event>, Rejection> {
    if report.order.is_none() && !report.names_conversion {
        return Err(Rejection::of(
            "/order_id",
            Code::OrderRequired,
            "a refund must say of which order or conversion",
        ));
    }
    if report.amount.is_some_and(types::Amount::is_zero) {
        return Err(amount_refused(types::AmountError::Zero));
    }
    if !known.access.speaks_for_a_shop() {
        let detail = "a refund is for the brand to report";
        return Err(Rejection::new(Code::RefundNotTrusted, detail));
    }
    let of_another_brand = known
        .campaign
        .is_some_and(|campaign| !known.access.is_brand(&campaign.brand));
    if of_another_brand && known.access.shop().is_some() {
        return Err(unknown(report));
    }
    if report.names_conversion {
        return of_conversion(report, &known).map(|event| vec![event]);
    }
    let order = known.order(report);
    let found = order.first(known.orders);
    if let Some((id, conversion)) = found
        && let Status::Attributed(purchase) = &conversion.status
    {
        if !known
            .access
            .covers(&purchase.partner_id, &purchase.brand_id)
        {
            return Err(unknown(report));
        }
        return take(report, (id, conversion), purchase, known.orders).map(|event| vec![event]);
    }
    if of_another_brand {
        return Err(unknown(report));
    }
    let id = found.map_or(order.id(), |(id, _)| id);
    note(report, id, report.order.as_ref(), known.orders).map(|event| vec![event])
}

/// A refund of the conversion that it names. It cannot come first, as one of an order can: its sender has the id from the answer to its
/// report, so there is such a conversion.
fn of_conversion(report: &Report, known: &Known<'_>) -> Result<Event, Rejection> {
    let found = known.orders.find_reported(&report.conversion);
    let is_theirs = |(id, conversion): &(&ConversionId, &Conversion)| match &conversion.status {
        Status::Attributed(purchase) => {
            let brand = &purchase.brand_id;
            let campaign = known.campaign.map(|campaign| &campaign.brand);
            known.access.is_brand(brand) && campaign.is_none_or(|of| of == brand)
        }
        _ => is_shops(id, conversion, known.access),
    };
    let (id, conversion) = found.filter(is_theirs).ok_or_else(|| unknown(report))?;
    let order = conversion.order();
    if report.order.is_some() && report.order.as_ref() != order {
        let detail = "the conversion is not of this order";
        return Err(Rejection::of("/order_id", Code::ConversionUnknown, detail));
    }
    match &conversion.status {
        Status::Attributed(purchase) => take(report, (id, conversion), purchase, known.orders),
        _ => note(report, id, order, known.orders),
    }
}

/// Whether what is nobody's is of the order of whoever asks. What has no order is only known to be an operator's to touch: nothing says
/// whose shop reported it.
fn is_shops(id: &ConversionId, conversion: &Conversion, access: &Access) -> bool {
    let of_shop = |shop| {
        let order = conversion.order();
        order.is_some_and(|order| ConversionId::of_brand(shop, order) == *id)
    };
    access.shop().is_none_or(of_shop)
}

/// What is not one's own looks like what does not exist.
fn unknown(report: &Report) -> Rejection {
    let pointer = if report.names_conversion {
        "/conversion_id"
    } else {
        "/order_id"
    };
    Rejection::of(pointer, Code::ConversionUnknown, "no such conversion")
}

fn take(
    report: &Report,
    (id, conversion): (&ConversionId, &Conversion),
    purchase: &Attributed,
    orders: &Orders,
) -> Result<Event, Rejection> {
    let can_be_of_it = purchase.amount.is_some() || report.amount.is_none();
    let Some(paid) = orders.worth(purchase).filter(|_| can_be_of_it) else {
        return Err(Rejection::new(
            Code::NothingToRefund,
            "the conversion has no amount",
        ));
    };
    if let Some(currency) = report.currency
        && currency != paid.currency
    {
        let detail = format!("the purchase was paid in {}", paid.currency);
        return Err(Rejection::of("/currency", Code::CurrencyMismatch, detail));
    }
    let left = paid.minor - conversion.refunded_minor;
    let minor = match report.amount {
        None => left,
        Some(amount) => {
            let money = amount.into_money(paid.currency);
            money.map_err(amount_refused)?.minor
        }
    };
    if minor > left || conversion.is_back(paid) {
        let left = Money::new(left, paid.currency);
        let detail = format!("of {paid} {}, {left} is left to refund", paid.currency);
        return Err(Rejection::of(
            "/amount",
            Code::RefundExceedsPurchase,
            detail,
        ));
    }
    let total = conversion.refunded_minor + minor;
    Ok(refunded(id, purchase, paid, minor, total))
}

fn refunded(
    id: &ConversionId,
    purchase: &Attributed,
    paid: Money,
    minor: i64,
    total: i64,
) -> Event {
    let refunded = ConversionRefundedV1 {
        amount: Money::new(minor, paid.currency),
        refunded_total: Money::new(total, paid.currency),
        purchase_amount: paid,
        partner_id: Some(purchase.partner_id.clone()),
        brand_id: Some(purchase.brand_id.clone()),
    };
    About::of(id.clone(), refunded).into()
}

fn note(
    report: &Report,
    conversion: &ConversionId,
    order: Option<&OrderId>,
    orders: &Orders,
) -> Result<Event, Rejection> {
    let waiting = orders.find(conversion);
    if waiting.is_some_and(|(_, waiting)| waiting.noted.len() >= MAX_NOTED) {
        let detail = format!("{MAX_NOTED} refunds wait for the order");
        return Err(Rejection::new(Code::TooManyRefunds, detail));
    }
    if let (Some(amount), Some(currency)) = (report.amount, report.currency) {
        amount.into_money(currency).map_err(amount_refused)?;
    }
    Ok(Event::RefundNoted(RefundNoted {
        conversion: conversion.clone(),
        amount: report.amount,
        currency: report.currency,
        order: order.cloned(),
        campaign: report.campaign.clone(),
        click: report.click.clone(),
        user: report.user.hash,
        occurred_at: report.occurred_at,
    }))
}

/// What refunds that were noted take back of a purchase: together at most what is left of it. One in another currency,
/// or more precise than the purchase's, cannot be meant for it and stays a note.
pub(super) fn take_back<'a>(
    id: &ConversionId,
    conversion: &Conversion,
    noted: impl Iterator<Item = &'a NotedRefund>,
    orders: &Orders,
) -> Option<Event> {
    let Status::Attributed(purchase) = &conversion.status else {
        return None;
    };
    let paid = orders.worth(purchase)?;
    let left = paid.minor - conversion.refunded_minor;
    let mut due = None;
    for noted in noted {
        let minor = match (noted.currency, noted.amount) {
            (Some(currency), _) if currency != paid.currency => continue,
            (_, None) => left,
            (_, Some(amount)) => match amount.into_money(paid.currency) {
                Ok(money) if paid.minor > 0 => money.minor,
                _ => continue,
            },
        };
        due = Some(due.unwrap_or(0_i64).saturating_add(minor).min(left));
    }
    let due = due.filter(|_| !conversion.is_back(paid))?;
    let total = conversion.refunded_minor + due;
    Some(refunded(id, purchase, paid, due, total))
}
