//! What is emitted reads back as the event that it was.

use money::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, Currency, EnrollmentId, LinkCode, Micros,
    Money, OrderId, PartnerId, Uuid,
};
use schemas::{Header, Message, Topic};

use super::{emit, own_event};
use crate::domain::*;

fn conversion() -> ConversionId {
    ConversionId::of_command(Uuid::from_u128(1))
}

fn campaign() -> CampaignId {
    CampaignId::parse("camp1").unwrap()
}

fn adopted() -> Vec<Event> {
    let brand = BrandId::parse("brand1").unwrap();
    let partner = PartnerId::parse("partner1").unwrap();
    vec![
        Event::TermsAdopted {
            campaign: campaign(),
            terms: Terms {
                version: 2,
                brand: brand.clone(),
                currency: Currency::JPY,
                window_days: 7,
                effective_at: Micros(1),
            },
        },
        Event::CampaignAdopted {
            campaign: campaign(),
            brand,
            allowed_hosts: vec!["a.example".to_owned(), "b.example".to_owned()],
        },
        Event::EnrollmentAdopted {
            enrollment: EnrollmentId::of(&campaign(), &partner),
            campaign: campaign(),
            partner: partner.clone(),
            terms_version: 2,
        },
        Event::LinkCreated {
            code: LinkCode::parse("lnk_1").unwrap(),
            campaign: campaign(),
            partner,
            target_url: "https://a.example/".to_owned(),
        },
    ]
}

fn attributed(full: bool) -> Event {
    Event::Attributed(Attributed {
        conversion: conversion(),
        event_type: if full {
            EventType::Purchase
        } else {
            EventType::Lead
        },
        order: full.then(|| OrderId::parse("order1").unwrap()),
        alias: full.then(|| ConversionId::of_command(Uuid::from_u128(2))),
        campaign: campaign(),
        brand: BrandId::parse("brand1").unwrap(),
        partner: PartnerId::parse("partner1").unwrap(),
        link: LinkCode::parse("lnk_1").unwrap(),
        click: ClickId::parse("clk_1").unwrap(),
        amount: full.then(|| Money::new(1_234, Currency::KWD)),
        terms_version: 1,
        occurred_at: Micros(5),
    })
}

fn nobodys(full: bool, reason: Reason) -> Vec<Event> {
    let order = full.then(|| OrderId::parse("order1").unwrap());
    let click = full.then(|| ClickId::parse("clk_1").unwrap());
    let amount = full.then(|| Amount::parse("0.1234").unwrap());
    let (currency, campaign) = (full.then_some(Currency::CLF), full.then(campaign));
    let user = UserHash([7; 32]);
    vec![
        Event::Unattributed(Unattributed {
            conversion: conversion(),
            event_type: EventType::Purchase,
            reason,
            amount,
            currency,
            order: order.clone(),
            campaign: campaign.clone(),
            click: click.clone(),
            user,
            occurred_at: Micros(-5),
        }),
        Event::RefundNoted(RefundNoted {
            conversion: conversion(),
            amount,
            currency,
            order: order.clone(),
            campaign: campaign.clone(),
            click: click.clone(),
            user,
            occurred_at: Micros(5),
        }),
        Event::DuplicateIgnored(DuplicateIgnored {
            conversion: conversion(),
            event_type: EventType::Lead,
            first_event: Uuid::from_u128(9),
            order: order.clone(),
            first_conversion: full.then(|| ConversionId::of_command(Uuid::from_u128(2))),
        }),
        Event::Recorded(EventRecorded {
            conversion: conversion(),
            event_type: EventType::Other("page.view".to_owned()),
            user,
            link: full.then(|| LinkCode::parse("lnk_1").unwrap()),
            click,
            campaign,
            order,
            occurred_at: Micros(5),
        }),
    ]
}

#[test]
fn every_event_reads_back_from_the_wire_as_it_was() {
    let mut events = adopted();
    for full in [true, false] {
        events.push(attributed(full));
        for reason in Reason::ALL {
            events.extend(nobodys(full, *reason));
        }
    }
    events.push(Event::Refunded(Refunded {
        conversion: conversion(),
        amount: Money::new(1, Currency::USD),
        refunded_total: Money::new(2, Currency::USD),
        purchase_amount: Money::new(3, Currency::USD),
    }));
    for event in events {
        let emitted = emit(&event);
        let kind = emitted.body.kind(Topic::TrackingEvents).unwrap();
        let published = kind.reach == schemas::Reach::Public;
        assert_eq!(emitted.published, published, "{}", kind.name);
        let header = Header {
            id: Uuid::nil(),
            kind: kind.name.to_owned(),
            source: "tracking".to_owned(),
            subject: emitted.subject,
            key: emitted.key,
            time: Micros(0),
            epoch: None,
            sequence: None,
            correlation_id: Uuid::nil(),
            causation_id: None,
            outcome_of: None,
            actor: None,
            traceparent: None,
        };
        let bytes = schemas::encode(Topic::TrackingEvents, &header, &emitted.body).unwrap();
        let schema = schemas::WriterSchema::current(Topic::TrackingEvents);
        let message: Message = schemas::decode(&schema, &bytes).unwrap();
        assert_eq!(own_event(&message), Some(event));
    }
}
