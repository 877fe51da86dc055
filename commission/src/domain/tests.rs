//! Decisions as values.

mod calculating;
mod holding;
mod properties;
mod refunding;

use money::{BasisPoints, BrandId, CampaignId, ConversionId, Currency, Micros, Money, PartnerId};

use super::*;

const NOW: Micros = Micros(1_790_000_000_000_000);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn rate(points: u32) -> Earning {
    Earning::Rate(BasisPoints::new(points).unwrap())
}

fn plan(sale: impl Into<Option<Earning>>) -> Plan {
    Plan {
        sale: sale.into(),
        lead: None,
        hold_days: 0,
        currency: Currency::USD,
        brand: BrandId::parse("brand1").unwrap(),
        effective_at: Micros(0),
    }
}

fn parties() -> Parties {
    Parties {
        campaign: CampaignId::parse("camp123").unwrap(),
        partner: PartnerId::parse("partner123").unwrap(),
        brand: BrandId::parse("brand1").unwrap(),
    }
}

fn conversion() -> ConversionId {
    ConversionId::parse("conv1").unwrap()
}

fn purchase(base: Money) -> Attribution {
    Attribution {
        conversion: conversion(),
        parties: parties(),
        event_type: EventType::Purchase,
        base: Some(base),
        plan_version: 1,
    }
}

fn refund(refunded_total: i64, purchase_amount: i64) -> Refund {
    Refund {
        conversion: conversion(),
        refunded_total: usd(refunded_total),
        purchase_amount: usd(purchase_amount),
    }
}

fn event(reaction: Reaction) -> Event {
    match reaction {
        Reaction::Event(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

fn calculated(reaction: Reaction) -> Calculated {
    match event(reaction) {
        Event::Calculated(calculated) => calculated,
        other => panic!("nothing calculated: {other:?}"),
    }
}

/// A commission of a purchase of this much by this plan.
fn commission(base: Money, plan: &Plan) -> Commission {
    let calculated = calculated(calculate(&purchase(base), None, Some(plan), NOW));
    Commission::begin(calculated, NOW)
}
