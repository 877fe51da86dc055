//! Examples and properties of the deciders.

mod attributing;
mod claims;
mod links;
mod onboarding;
mod orders;
mod properties;
mod refunds;

use std::collections::HashMap;

use types::{
    Amount, BrandId, CampaignId, CampaignStatus, ClaimId, ClaimStatus, ClickId, ConversionId,
    ConversionType, Currency, DeclineReason, LinkCode, Micros, Money, OrderId, PartnerId,
    TermsVersion, Uuid,
};

use schemas::Utm;

use super::order::MAX_NOTED;
use super::*;

const DAY: i64 = 86_400_000_000;
const NOW: Micros = Micros(1_800_000_000_000_000);

fn campaign(id: &str) -> CampaignId {
    CampaignId::parse(id).unwrap()
}

fn order(id: &str) -> OrderId {
    OrderId::parse(id).unwrap()
}

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

fn brand(id: &str) -> BrandId {
    BrandId::parse(id).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

/// A click on a link of `partner1` in `camp1` of `brand1`, this long before [`NOW`].
fn click(micros_ago: i64) -> Candidate {
    Candidate {
        click: ClickId::parse("clk_1").unwrap(),
        clicked_at: Micros(NOW.0 - micros_ago),
        link: LinkCode::parse("lnk_1").unwrap(),
        campaign: campaign("camp1"),
        brand: brand("brand1"),
        partner: partner("partner1"),
        terms_version: TermsVersion::FIRST,
        window_days: 30,
        currency: Currency::USD,
    }
}

/// Of whom nothing was kept before.
fn visitor(number: u8) -> Visitor {
    Visitor {
        hash: UserHash([number; 32]),
        others: Vec::new(),
    }
}

/// A report of `event_type` that names what it is given, now.
fn report(event_type: &str, campaign: Option<&str>, order: Option<&str>, amount: &str) -> Report {
    let campaign = campaign.map(self::campaign);
    let order = order.map(self::order);
    let command = Uuid::from_u128(7);
    let conversion = ConversionId::of_report(None, campaign.as_ref(), order.as_ref(), command);
    Report {
        conversion,
        event_type: EventType::parse(event_type).unwrap(),
        user: visitor(1),
        occurred_at: NOW,
        claims_time: true,
        amount: (!amount.is_empty()).then(|| self::amount(amount)),
        currency: None,
        order,
        campaign,
        click: None,
        names_conversion: false,
    }
}

fn purchase(campaign: Option<&str>, order: Option<&str>, amount: &str) -> Report {
    report("purchase", campaign, order, amount)
}

fn refund_of(campaign: Option<&str>, order: &str, amount: &str) -> Report {
    report("refund", campaign, Some(order), amount)
}

/// What was reported so far, as one service's tables would hold it.
struct Records {
    orders: Orders,
    claims: Claims,
    candidate: Option<Candidate>,
    access: Access,
    events: u128,
}

impl Records {
    fn with_a_click() -> Self {
        let terms = (campaign("camp1"), TermsVersion::FIRST);
        Self {
            orders: Orders {
                currencies: HashMap::from([(terms, Currency::USD)]),
                ..Orders::default()
            },
            claims: Claims::default(),
            candidate: Some(click(DAY)),
            access: Access::All,
            events: 0,
        }
    }

    fn decide(&self, report: &Report) -> Result<Vec<Event>, Rejection> {
        let anothers = report
            .campaign
            .as_ref()
            .is_some_and(|id| id.as_str() == "other1");
        let known_campaign = Campaign {
            brand: brand(if anothers { "brand2" } else { "brand1" }),
            allowed_hosts: Vec::new(),
            fallback_url: None,
            starts_at: None,
            ends_at: None,
            trusts_redirects: false,
            status: CampaignStatus::Active,
        };
        let known = Known {
            orders: &self.orders,
            claims: &self.claims,
            candidate: self.candidate.as_ref(),
            campaign: report
                .campaign
                .as_ref()
                .filter(|id| id.as_str() != "unknown")
                .map(|_| &known_campaign),
            access: &self.access,
            now: NOW,
        };
        record(report, known)
    }

    fn apply(&mut self, report: &Report) -> Result<Vec<Event>, Rejection> {
        let events = self.decide(report)?;
        self.evolve(&events);
        Ok(events)
    }

    fn evolve(&mut self, events: &[Event]) {
        for event in events {
            self.events += 1;
            let position = i64::try_from(self.events).unwrap();
            let id = Uuid::from_u128(self.events);
            self.orders.evolve(event, id, NOW, position);
            self.claims.evolve(event, id, NOW, position);
        }
    }

    /// What a report comes to, in a word each.
    fn outcome(&mut self, report: &Report) -> Vec<String> {
        match self.apply(report) {
            Err(rejection) => vec![rejection.code.name.to_owned()],
            Ok(events) => events.iter().map(word).collect(),
        }
    }

    /// What went back of `order1` of `brand1`.
    fn refunded(&self) -> i64 {
        self.refunded_of("brand1")
    }

    fn refunded_of(&self, brand_id: &str) -> i64 {
        let id = ConversionId::of_brand(&brand(brand_id), &order("order1"));
        self.orders
            .find(&id)
            .map_or(0, |(_, known)| known.refunded_minor)
    }
}

fn word(event: &Event) -> String {
    match event {
        Event::Attributed(_) => "attributed".to_owned(),
        Event::Unattributed(event) => event.reason.name().to_owned(),
        Event::Refunded(event) => format!("refunded {} of {}", event.amount, event.purchase_amount),
        Event::RefundNoted(_) => "noted".to_owned(),
        Event::DuplicateIgnored(_) => "duplicate".to_owned(),
        Event::Recorded(_) => "recorded".to_owned(),
        Event::Claimed(_) => "claimed".to_owned(),
        Event::ClaimSettled(_) => "settled".to_owned(),
        Event::ClaimAccepted(event) => decided(
            "accepted",
            event.partner_id.as_ref(),
            event.brand_id.as_ref(),
        ),
        Event::ClaimDeclined(event) => decided(
            "declined",
            event.partner_id.as_ref(),
            event.brand_id.as_ref(),
        ),
        other => format!("{other:?}"),
    }
}

/// What became of a claim: each says whose it was.
fn decided(how: &str, partner: Option<&PartnerId>, brand: Option<&BrandId>) -> String {
    assert!(partner.is_some() && brand.is_some(), "{how}: whose it is");
    how.to_owned()
}
