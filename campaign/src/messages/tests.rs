//! There and back.

use money::{BasisPoints, Currency, EnrollmentId, EvidenceId, Micros, Money, Uuid};
use pipeline::Emit;
use proptest::prelude::*;
use schemas::{Actor, Header, Message, Topic, WriterSchema};

use super::{actor, emit, own_event};
use crate::domain::{
    CampaignName, Earning, Event, EvidenceType, HoldDays, Hosts, NewCampaign, NewEvidence, Plan,
    Terms, TermsVersion, UrlHash, WindowDays,
};

const ID: &str = "[A-Za-z0-9_-]{1,64}";

fn message(emit: Emit) -> Message {
    let kind = emit.body.kind(Topic::CampaignEvents).unwrap();
    let header = Header {
        id: Uuid::from_u128(1),
        kind: kind.name.to_owned(),
        source: "campaign".to_owned(),
        subject: emit.subject,
        key: emit.key,
        time: Micros(1),
        epoch: Some(1),
        sequence: Some(1),
        correlation_id: Uuid::from_u128(2),
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    };
    Message {
        header,
        body: emit.body,
    }
}

fn hosts() -> impl Strategy<Value = Hosts> {
    prop::collection::hash_set("[a-z0-9]{1,20}(\\.[a-z]{2,8}){0,2}", 1..=5)
        .prop_map(|hosts| Hosts::parse(&hosts.into_iter().collect::<Vec<_>>()).unwrap())
}

fn earning() -> impl Strategy<Value = Earning> {
    prop_oneof![
        (0..=10_000_u32).prop_map(|bps| Earning::Share(BasisPoints::new(bps).unwrap())),
        (1..=i64::MAX).prop_map(|minor| Earning::Flat(Money::new(minor, Currency::JPY))),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        prop::option::of(earning()),
        prop::option::of(earning()),
        0..=365_i32,
    )
        .prop_filter_map("nothing earns", |(sale, lead, hold)| {
            Plan::new(sale, lead, HoldDays::new(hold).unwrap()).ok()
        })
}

fn event() -> impl Strategy<Value = Event> {
    let version = || (1..=i32::MAX).prop_map(|n| TermsVersion::parse(n).unwrap());
    prop_oneof![
        (ID, ID, "[^\\p{Cc}]{1,200}", hosts()).prop_map(
            |(campaign, brand, name, allowed_hosts)| {
                Event::CampaignCreated(NewCampaign {
                    campaign: campaign.parse().unwrap(),
                    brand: brand.parse().unwrap(),
                    name: CampaignName::parse(&name).unwrap(),
                    currency: Currency::JPY,
                    allowed_hosts,
                })
            }
        ),
        (ID, ID, version(), 1..=365_i32, plan(), any::<i64>()).prop_map(
            |(campaign, brand, version, days, plan, at)| Event::TermsPublished {
                campaign: campaign.parse().unwrap(),
                brand: brand.parse().unwrap(),
                currency: Currency::JPY,
                terms: Terms {
                    version,
                    window: WindowDays::new(days).unwrap(),
                    plan,
                    effective_at: Micros(at),
                },
            }
        ),
        (ID, ID, hosts()).prop_map(
            |(campaign, brand, allowed_hosts)| Event::CampaignActivated {
                campaign: campaign.parse().unwrap(),
                brand: brand.parse().unwrap(),
                allowed_hosts,
            }
        ),
        (ID, ID, version()).prop_map(|(campaign, partner, terms_version)| {
            let (campaign, partner) = (campaign.parse().unwrap(), partner.parse().unwrap());
            Event::EnrollmentAccepted {
                enrollment: EnrollmentId::of(&campaign, &partner),
                campaign,
                partner,
                terms_version,
            }
        }),
        (ID, ID, ID, "[0-9a-f]{64}").prop_map(|(campaign, partner, kind, hash)| {
            let (campaign, partner) = (campaign.parse().unwrap(), partner.parse().unwrap());
            Event::EvidenceSubmitted(NewEvidence {
                evidence: EvidenceId::of(&campaign, &partner, &kind, "https://example.com/"),
                campaign,
                partner,
                evidence_type: EvidenceType::parse(&kind).unwrap(),
                url_hash: UrlHash::parse(&hash).unwrap(),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_bytes_as_it_was(event in event()) {
        let written = message(emit(&event));
        let topic = Topic::CampaignEvents;
        let bytes = schemas::encode(topic, &written.header, &written.body).unwrap();
        let read = schemas::decode(&WriterSchema::current(topic), &bytes).unwrap();
        prop_assert_eq!(own_event(&read), Some(event));
    }
}

#[test]
fn an_id_counts_only_with_its_role_and_an_operator_only_at_an_edge_of_ours() {
    let event = Event::CampaignActivated {
        campaign: "camp1".parse().unwrap(),
        brand: "brand1".parse().unwrap(),
        allowed_hosts: Hosts::parse(&["a.example".to_owned()]).unwrap(),
    };
    let mut header = message(emit(&event)).header;
    let roles = |roles: &[&str]| Actor {
        subject: "someone".to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
        partner_id: Some("partner1".to_owned()),
        brand_id: Some("brand1".to_owned()),
    };
    header.actor = Some(roles(&["partner", "operator"]));
    let known = actor(&header);
    assert!(known.operator && known.partner.is_some() && known.brand.is_none());
    header.source = "a-stranger".to_owned();
    assert!(!actor(&header).operator);
    header.actor = Some(roles(&["brand", "unheard-of"]));
    assert_eq!(actor(&header).brand, "brand1".parse().ok());
    header.actor = None;
    assert_eq!(actor(&header), crate::domain::Actor::default());
}
