//! Redirects whose visitor the brand's system has signed for.

use api::redirects::{Signed, signing_secret};
use messaging::clock;
use runtime::testing::TestService;
use schemas::{ApiKeyRevokedV1, ApiKeyRotatedV1, CampaignActivatedV1, Topic};
use types::{ApiKeyScope, LinkCode, Micros};

use crate::api_keys::{KEY, created, new, of_key};
use crate::app::*;

/// A link of a campaign that believes no redirect by itself.
async fn start_distrusting() -> TestService {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let activated = CampaignActivatedV1 {
        brand_id: BRAND.parse().unwrap(),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    service
        .deliver(Topic::CampaignEvents, CAMPAIGN, CAMPAIGN, activated.into())
        .await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    create_link(&service, "lnk_2", CAMPAIGN, PARTNER).await;
    service
}

/// What stands behind a link that this key's holder signs for this visitor, now.
fn query(key: &str, hash: &str, code: &str, user: &str) -> String {
    let signed = Signed {
        code: &LinkCode::parse(code).unwrap(),
        user_id: user,
        signed_at: clock::now().get() / 1_000_000,
    };
    let signature = signed.sign(&signing_secret(hash));
    format!(
        "{user}&key_id={key}&signed_at={}&signature={signature}",
        signed.signed_at
    )
}

/// What a purchase of this visitor comes to, who has followed the link so, and no other before.
async fn outcome(service: &TestService, user: &str, query: &str) -> String {
    click(service, "lnk_1", query).await;
    let (_, answer) = report(service, &purchase(user, "10")).await;
    answer["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_visitor_that_the_brands_system_signs_for_counts_and_no_other() {
    let mut service = start_distrusting().await;
    let (own, reader, anothers) = (new(), new(), new());
    let write = [ApiKeyScope::ConversionsWrite];
    let read = [ApiKeyScope::ReportsRead];
    of_key(&mut service, KEY, created(BRAND, &own, &write)).await;
    of_key(&mut service, "key_2", created(BRAND, &reader, &read)).await;
    of_key(&mut service, "key_3", created("brand2", &anothers, &write)).await;
    let signed = |user: &str| query(KEY, own.hash(), "lnk_1", user);

    assert_eq!(
        outcome(&service, "user1", &signed("user1")).await,
        "attributed"
    );
    let of_another_link = query(KEY, own.hash(), "lnk_2", "user3");
    let by_a_reader = query("key_2", reader.hash(), "lnk_1", "user4");
    let by_another_brand = query("key_3", anothers.hash(), "lnk_1", "user5");
    for (user, shown) in [
        ("user6", "user6".to_owned()),
        ("user7", signed("somebody").replacen("somebody", "user7", 1)),
        ("user3", of_another_link),
        ("user4", by_a_reader),
        ("user5", by_another_brand),
        (
            "user8",
            format!("user8&key_id={KEY}&signed_at=x&signature=y"),
        ),
        (
            "user9",
            signed("user9").replace("key_id=key_1", "key_id=key_9"),
        ),
    ] {
        assert_eq!(
            outcome(&service, user, &shown).await,
            "unattributed",
            "{shown}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_key_that_has_another_secret_signs_with_that_of_before_as_long_as_was_said_and_revoked_not_at_all()
 {
    let mut service = start_distrusting().await;
    let (first, second) = (new(), new());
    let write = [ApiKeyScope::ConversionsWrite];
    of_key(&mut service, KEY, created(BRAND, &first, &write)).await;
    let later = Micros(clock::now().get() + 3_600_000_000);
    let rotated = ApiKeyRotatedV1 {
        brand_id: BRAND.parse().unwrap(),
        prefix: second.prefix().to_owned(),
        hash: second.hash().to_owned(),
        previous_hash: Some(first.hash().to_owned()),
        previous_until: Some(later),
        scopes: write.to_vec(),
        expires_at: None,
    };
    of_key(&mut service, KEY, rotated.clone().into()).await;
    for (user, hash) in [("user1", first.hash()), ("user2", second.hash())] {
        let shown = query(KEY, hash, "lnk_1", user);
        assert_eq!(outcome(&service, user, &shown).await, "attributed");
    }
    let at_once = ApiKeyRotatedV1 {
        hash: new().hash().to_owned(),
        previous_hash: None,
        previous_until: None,
        ..rotated
    };
    of_key(&mut service, KEY, at_once.into()).await;
    let shown = query(KEY, second.hash(), "lnk_1", "user3");
    assert_eq!(outcome(&service, "user3", &shown).await, "unattributed");

    let third = new();
    of_key(&mut service, "key_3", created(BRAND, &third, &write)).await;
    let revoked = ApiKeyRevokedV1 {
        brand_id: BRAND.parse().unwrap(),
    };
    of_key(&mut service, "key_3", revoked.into()).await;
    let shown = query("key_3", third.hash(), "lnk_1", "user4");
    assert_eq!(outcome(&service, "user4", &shown).await, "unattributed");
    service.stop().await;
}
