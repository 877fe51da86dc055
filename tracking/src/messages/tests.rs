//! What is emitted reads back as the event that it was.

use schemas::{
    About, CampaignAdoptedV1, ConversionAttributedV1, ConversionDuplicateIgnoredV1,
    ConversionRefundedV1, EnrollmentAdoptedV1, Event as _, GroupAdoptedV1, Header, Id,
    LinkChangedV1, LinkCreatedV1, Message, PartnerMoveAdoptedV1, Record, TermsAdoptedV1, Topic,
    Utm,
};
use types::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, ConversionType, Currency, DisabledBy,
    EnrollmentId, EnrollmentStatus, GroupId, GroupStatus, LinkCode, LinkStatus, MembershipId,
    Micros, Money, OrderId, PartnerId, TermsVersion, Uuid, WindowDays,
};

use crate::domain::*;

fn conversion() -> ConversionId {
    ConversionId::of_command(Uuid::from_u128(1))
}

fn campaign() -> CampaignId {
    CampaignId::parse("camp1").unwrap()
}

fn of<I: Id, R: Record<Key = I, Subject = I>>(subject: I, record: R) -> Event
where
    Event: From<About<R>>,
{
    About::of(subject, record).into()
}

fn adopted() -> Vec<Event> {
    let brand = BrandId::parse("brand1").unwrap();
    let partner = PartnerId::parse("partner1").unwrap();
    vec![
        Event::GroupAdopted(About {
            key: brand.clone(),
            subject: GroupId::default_of(&brand),
            record: GroupAdoptedV1 {
                status: GroupStatus::Archived,
                link_limit: Some(3),
            },
        }),
        Event::PartnerMoveAdopted(About {
            key: brand.clone(),
            subject: MembershipId::of(&brand, &partner),
            record: PartnerMoveAdoptedV1 {
                partner_id: partner.clone(),
                group_id: GroupId::default_of(&brand),
            },
        }),
        of(
            campaign(),
            TermsAdoptedV1 {
                version: TermsVersion::new(2).unwrap(),
                brand_id: brand.clone(),
                currency: Currency::JPY,
                window_days: WindowDays::new(7).unwrap(),
                effective_at: Micros(1),
                worsens: None,
            },
        ),
        of(
            campaign(),
            CampaignAdoptedV1 {
                brand_id: brand,
                allowed_hosts: vec!["a.example".to_owned(), "b.example".to_owned()],
                fallback_url: Some("https://a.example/later".to_owned()),
                starts_at: None,
                trusts_redirects: None,
                ends_at: None,
            },
        ),
        Event::EnrollmentAdopted(About {
            key: campaign(),
            subject: EnrollmentId::of(&campaign(), &partner),
            record: EnrollmentAdoptedV1 {
                partner_id: partner.clone(),
                terms_version: TermsVersion::new(2).unwrap(),
                status: Some(EnrollmentStatus::Applied),
            },
        }),
        of(
            LinkCode::parse("lnk_1").unwrap(),
            LinkCreatedV1 {
                campaign_id: campaign(),
                partner_id: partner,
                target_url: "https://a.example/".to_owned(),
                utm: Some(utm()),
                deep_paths: Some(true),
                brand_id: Some(BrandId::parse("brand1").unwrap()),
            },
        ),
        of(
            LinkCode::parse("lnk_1").unwrap(),
            LinkChangedV1 {
                campaign_id: campaign(),
                partner_id: PartnerId::parse("partner1").unwrap(),
                target_url: "https://a.example/sale".to_owned(),
                status: LinkStatus::Disabled,
                disabled_by: Some(DisabledBy::Brand),
                created_at: Micros(1),
                utm: Some(utm()),
                deep_paths: Some(false),
                brand_id: Some(BrandId::parse("brand1").unwrap()),
            },
        ),
    ]
}

fn utm() -> Utm {
    Utm {
        source: Some("{code}".to_owned()),
        ..Utm::default()
    }
}

fn attributed(full: bool) -> Event {
    let attributed = ConversionAttributedV1 {
        event_type: if full {
            ConversionType::Purchase
        } else {
            ConversionType::Lead
        },
        order_id: full.then(|| OrderId::parse("order1").unwrap()),
        alias_id: full.then(|| ConversionId::of_command(Uuid::from_u128(2))),
        campaign_id: campaign(),
        brand_id: BrandId::parse("brand1").unwrap(),
        partner_id: PartnerId::parse("partner1").unwrap(),
        link_code: LinkCode::parse("lnk_1").unwrap(),
        click_id: ClickId::parse("clk_1").unwrap(),
        amount: full.then(|| Money::new(1_234, Currency::KWD)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(5),
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    };
    of(conversion(), attributed)
}

fn nobodys(full: bool, reason: UnattributedReason) -> Vec<Event> {
    let order = full.then(|| OrderId::parse("order1").unwrap());
    let click = full.then(|| ClickId::parse("clk_1").unwrap());
    let amount = full.then(|| Amount::parse("0.1234").unwrap());
    let (currency, campaign) = (full.then_some(Currency::CLF), full.then(campaign));
    let user = UserHash([7; 32]);
    vec![
        Event::Unattributed(Unattributed {
            conversion: conversion(),
            event_type: ConversionType::Purchase,
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
        of(
            conversion(),
            ConversionDuplicateIgnoredV1 {
                event_type: "lead".to_owned(),
                first_event_id: Uuid::from_u128(9),
                order_id: order.clone(),
                first_conversion_id: full.then(|| ConversionId::of_command(Uuid::from_u128(2))),
                brand_id: full.then(|| BrandId::parse("brand1").unwrap()),
            },
        ),
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
        for reason in UnattributedReason::ALL {
            events.extend(nobodys(full, reason));
        }
    }
    let refunded = ConversionRefundedV1 {
        amount: Money::new(1, Currency::USD),
        refunded_total: Money::new(2, Currency::USD),
        purchase_amount: Money::new(3, Currency::USD),
        partner_id: PartnerId::parse("partner1").ok(),
        brand_id: BrandId::parse("brand1").ok(),
    };
    events.push(of(conversion(), refunded));
    for event in events {
        let emitted = event.write();
        let kind = emitted.body.kind(Topic::TrackingEvents).unwrap();
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
        assert_eq!(Event::read(&message), Ok(Some(event)));
    }
}
