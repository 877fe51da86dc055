//! Ids follow from their cause, and only from it.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use proptest::prelude::*;
use types::ids::{Asker, derive, effect_command_id, event_id, prefixed, timer_command_id};
use types::{
    BrandId, CampaignId, ConversionId, EnrollmentId, EvidenceId, Micros, OrderId, PartnerId,
    PayoutId,
};
use uuid::{Uuid, uuid};

const CAUSE: Uuid = uuid!("0190163d-8694-739b-aea5-966c26f8ad91");

fn campaign(text: &str) -> CampaignId {
    CampaignId::parse(text).unwrap()
}

fn asker<'a>(subject: &'a str, partner: Option<&'a str>, brand: Option<&'a str>) -> Asker<'a> {
    Asker {
        subject,
        partner,
        brand,
    }
}

fn partner() -> PartnerId {
    PartnerId::parse("partner123").unwrap()
}

/// These values stand in logs and at payout providers: a change here is a change of history.
#[test]
fn derived_ids_never_change() {
    assert_eq!(
        derive(&["a", "b"]).to_string(),
        "5e5a91f2-72cc-52ab-a1b2-fc24e4142955"
    );
    assert_eq!(
        event_id("payment", 1, CAUSE, 0).to_string(),
        "80163923-6c0e-53b6-b811-ba43729ddb17"
    );
    assert_eq!(
        PayoutId::of_command(CAUSE).as_str(),
        "pay_3379e1c64bef5888b26f5681795c64b1"
    );
    let order = OrderId::parse("1001").unwrap();
    let brand = BrandId::parse("brand1").unwrap();
    assert_eq!(
        ConversionId::of_brand(&brand, &order).as_str(),
        "0a80d04f-6489-5925-a7a1-e58be4752551"
    );
    let derived = asker("acme", Some("acme"), None);
    assert_eq!(
        derived.id().to_string(),
        "9b98918c-6439-571c-a1ac-5ce371b4cc8a"
    );
    assert_eq!(
        derived
            .command_id("campaign.accept.command.v1", "00")
            .to_string(),
        "afbce840-b0a3-5c30-9709-d6944851c9ec"
    );
    let enrollment = EnrollmentId::of(&campaign("camp123"), &partner());
    assert_eq!(enrollment.as_str(), "enr_434a38bd68f45e53bac6e7ae2facfb29");
}

#[test]
fn every_part_counts() {
    let ids = [
        event_id("payment", 1, CAUSE, 0),
        event_id("payment", 1, CAUSE, 1),
        event_id("payment", 2, CAUSE, 0),
        event_id("tracking", 1, CAUSE, 0),
        event_id("payment", 1, Uuid::nil(), 0),
        effect_command_id("payout", CAUSE, "paid"),
        effect_command_id("payout", CAUSE, "failed"),
        timer_command_id("c1", "hold", Micros(1)),
        timer_command_id("c1", "hold", Micros(2)),
        asker("acme", None, None).command_id("a", "key"),
        asker("acm", None, None).command_id("a", "ekey"),
        asker("acme", Some("acme"), None).command_id("a", "key"),
        asker("acme", None, Some("acme")).command_id("a", "key"),
        asker("acme", None, None).command_id("b", "key"),
        asker("acme", None, None).command_id("a", "other"),
        asker("acme", None, None).id(),
        asker("acme", Some("acme"), None).id(),
        asker("acme", None, Some("acme")).id(),
    ];
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn a_clients_command_and_an_order_of_the_same_names_are_different_things() {
    let order = ConversionId::of_order(Some(&campaign("same")), &OrderId::parse("name").unwrap());
    assert_ne!(
        order.as_str(),
        asker("same", None, None)
            .command_id("name", "name")
            .to_string()
    );
}

#[test]
fn an_order_without_campaign_is_not_the_order_of_one() {
    let order = OrderId::parse("o1").unwrap();
    let known = ConversionId::of_order(Some(&campaign("camp123")), &order);
    assert_ne!(ConversionId::of_order(None, &order), known);
    assert_eq!(
        ConversionId::of_order(Some(&campaign("camp123")), &order),
        known
    );
    assert_eq!(ConversionId::of_command(CAUSE).as_str(), CAUSE.to_string());
}

#[test]
fn ids_say_of_what_kind_they_are() {
    assert!(prefixed("camp_", CAUSE).starts_with("camp_"));
    assert_ne!(prefixed("camp_", CAUSE)[5..], prefixed("lnk_", CAUSE)[4..]);
    let evidence = EvidenceId::of(
        &campaign("c"),
        &partner(),
        "photo",
        "https://example.com/p.jpg",
    );
    assert!(evidence.as_str().starts_with("evd_"));
    assert!(EvidenceId::parse(evidence.as_str()).is_ok());
}

#[test]
fn odd_and_overlong_ids_are_refused() {
    for text in [
        "",
        " ",
        "a b",
        "a/b",
        "a\0",
        "\u{e9}",
        "a\u{1f}b",
        "..",
        &"a".repeat(65),
    ] {
        assert!(CampaignId::parse(text).is_err(), "{text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(
            serde_json::from_str::<CampaignId>(&json).is_err(),
            "{text:?}"
        );
    }
    assert!(CampaignId::parse("a".repeat(64)).is_ok());
}

proptest! {
    #[test]
    fn an_id_is_its_text_on_the_wire(text in "[A-Za-z0-9_-]{1,64}") {
        let json = serde_json::to_string(&campaign(&text)).unwrap();
        prop_assert_eq!(&json, &format!("\"{text}\""));
        prop_assert_eq!(serde_json::from_str::<CampaignId>(&json).unwrap(), campaign(&text));
    }
}
