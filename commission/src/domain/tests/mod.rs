//! Decisions as values.

mod calculating;
mod holding;
mod properties;
mod refunding;

use schemas::{About, ConversionAttributedV1, ConversionRefundedV1};
use types::{
    BasisPoints, BrandId, CampaignId, ClickId, ConversionId, ConversionType, Currency, Earning,
    EarningStatus, LinkCode, Micros, Money, PartnerId, TermsVersion,
};

use super::*;

const NOW: Micros = Micros(1_790_000_000_000_000);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn rate(points: i32) -> Earning {
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

fn conversion() -> ConversionId {
    ConversionId::parse("conv1").unwrap()
}

fn purchase(base: Money) -> About<ConversionAttributedV1> {
    let attributed = ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: None,
        alias_id: None,
        campaign_id: CampaignId::parse("camp123").unwrap(),
        brand_id: BrandId::parse("brand1").unwrap(),
        partner_id: PartnerId::parse("partner123").unwrap(),
        link_code: LinkCode::parse("lnk_1").unwrap(),
        click_id: ClickId::parse("clk_1").unwrap(),
        amount: Some(base),
        terms_version: TermsVersion::FIRST,
        occurred_at: NOW,
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    };
    About::of(conversion(), attributed)
}

fn lead() -> About<ConversionAttributedV1> {
    let mut lead = purchase(usd(0));
    lead.record.event_type = ConversionType::Lead;
    lead.record.amount = None;
    lead
}

fn refund(refunded_total: i64, purchase_amount: i64) -> About<ConversionRefundedV1> {
    let refunded = ConversionRefundedV1 {
        amount: usd(refunded_total),
        refunded_total: usd(refunded_total),
        purchase_amount: usd(purchase_amount),
        partner_id: None,
        brand_id: None,
    };
    About::of(conversion(), refunded)
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

/// The amount of a reversal.
fn taken(reversed: &Event) -> i64 {
    match reversed {
        Event::Reversed(reversed) => reversed.amount.minor,
        other => panic!("{other:?}"),
    }
}

/// Where a reversal takes it from.
fn from(reversed: &Event) -> EarningStatus {
    match reversed {
        Event::Reversed(reversed) => reversed.from,
        other => panic!("{other:?}"),
    }
}
