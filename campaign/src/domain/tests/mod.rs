//! Deciders as values.

mod api_keys;
mod bans;
mod changing;
mod decisions;
mod evidence;
mod funds;
mod groups;
mod onboarding;
mod properties;
mod records;
mod terms;

use schemas::{About, CampaignActivatedV1, CampaignCreatedV1};
use types::{BasisPoints, Currency, Earning, HoldDays, Micros, Plan, TermsVersion, WindowDays};

use super::{Actor, Campaign, Context, Event, Place, Terms, TermsPublished};

pub(super) fn place(position: i64) -> Place {
    Place {
        time: Micros(position * 1_000),
        position,
    }
}

pub(super) fn submitted_by(actor: Actor) -> Context {
    Context {
        now: Micros(7_000_000),
        requested_at: Micros(7_000_000),
        actor,
    }
}

pub(super) fn brand(id: &str) -> Actor {
    Actor {
        brand: Some(id.parse().unwrap()),
        ..Actor::default()
    }
}

pub(super) fn partner(id: &str) -> Actor {
    Actor {
        partner: Some(id.parse().unwrap()),
        ..Actor::default()
    }
}

pub(super) fn ten_percent() -> Plan {
    let rate = Earning::Rate(BasisPoints::new(1000).unwrap());
    Plan::new(Some(rate), None, HoldDays::new(0).unwrap()).unwrap()
}

pub(super) fn new_campaign(id: &str, brand: &str) -> About<CampaignCreatedV1> {
    let created = CampaignCreatedV1 {
        brand_id: brand.parse().unwrap(),
        name: "Spring shoes".to_owned(),
        currency: Currency::USD,
        allowed_hosts: vec!["shop.example.com".to_owned()],
        fallback_url: None,
        join: None,
        description: None,
        landing_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
        budget: None,
    };
    About::of(id.parse().unwrap(), created)
}

/// `camp1` of `brand1`, in draft and without terms.
pub(super) fn draft() -> Campaign {
    let created = Event::CampaignCreated(new_campaign("camp1", "brand1"));
    Campaign::evolve(None, &created, place(1)).unwrap()
}

/// The draft with that many versions of terms.
pub(super) fn with_terms(versions: i32) -> Campaign {
    (1..=versions).fold(draft(), |campaign, version| {
        let published = Event::TermsPublished(TermsPublished {
            campaign: campaign.id.clone(),
            brand: campaign.brand.clone(),
            currency: campaign.currency,
            terms: Terms {
                version: TermsVersion::new(version).unwrap(),
                window: WindowDays::new(30).unwrap(),
                plan: ten_percent(),
                effective_at: Micros(0),
                text_hash: None,
                worsens: None,
            },
            sealed_text: None,
        });
        Campaign::evolve(Some(campaign), &published, place(2)).unwrap()
    })
}

/// An active campaign with that many versions of terms.
pub(super) fn active(versions: i32) -> Campaign {
    let campaign = with_terms(versions);
    let activated = CampaignActivatedV1 {
        brand_id: campaign.brand.clone(),
        allowed_hosts: campaign.allowed_hosts.clone(),
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    let activated = Event::from(About::of(campaign.id.clone(), activated));
    Campaign::evolve(Some(campaign), &activated, place(9)).unwrap()
}
