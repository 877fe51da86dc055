//! How many links a partner may have, by its group.

use std::collections::HashMap;

use runtime::testing::{TestService, operator, partner, rows_read};
use schemas::{Body, GroupChangedV1, GroupCreatedV1, PartnerMovedV1, Topic};
use serde_json::json;
use tracking::store::groups;
use tracking::{MIGRATIONS, Tracking};
use types::{BrandId, GroupId, GroupStatus, MembershipId, PartnerId, Uuid};

use crate::app::*;

fn shop() -> BrandId {
    BrandId::parse(BRAND).unwrap()
}

async fn happened(service: &mut TestService, subject: &str, event: Body) {
    service
        .deliver(Topic::CampaignEvents, BRAND, subject, event)
        .await;
}

async fn limit(
    service: &mut TestService,
    group: &GroupId,
    link_limit: Option<i32>,
    status: GroupStatus,
) {
    let changed = GroupChangedV1 {
        status,
        link_limit,
        sealed_name: None,
    };
    happened(service, group.as_str(), changed.into()).await;
}

/// What asking for one more link comes to.
async fn requested(service: &TestService, code: &str, token: &str) -> String {
    let body = json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "code": code, "target_url": "https://shop.example/shoes"});
    let (status, answer) = service.post(LINKS, token, &body).await;
    if status.is_success() {
        return "created".to_owned();
    }
    answer["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_partner_that_has_as_many_links_as_its_group_may_have_gets_no_more() {
    let mut service = start_with_link().await;
    let token = partner(PARTNER);
    let default = GroupId::default_of(&shop());
    let active = GroupStatus::Active;
    limit(&mut service, &default, Some(2), active).await;
    assert_eq!(requested(&service, "two", &token).await, "created");
    assert_eq!(
        requested(&service, "three", &token).await,
        "link_limit_reached"
    );
    assert_eq!(
        requested(&service, "three", &operator()).await,
        "link_limit_reached"
    );

    let gold = GroupId::of_command(Uuid::from_u128(7));
    let created = GroupCreatedV1 {
        link_limit: Some(3),
        sealed_name: None,
    };
    happened(&mut service, gold.as_str(), created.into()).await;
    let who = PartnerId::parse(PARTNER).unwrap();
    let moved = PartnerMovedV1 {
        partner_id: who.clone(),
        group_id: gold.clone(),
    };
    let membership = MembershipId::of(&shop(), &who);
    happened(&mut service, membership.as_str(), moved.into()).await;
    // Two at once: there is room for one.
    let (left, right) = tokio::join!(
        requested(&service, "three", &token),
        requested(&service, "four", &token)
    );
    let mut answers = [left, right];
    answers.sort();
    assert_eq!(answers, ["created", "link_limit_reached"]);

    limit(&mut service, &gold, None, active).await;
    assert_eq!(requested(&service, "five", &token).await, "created");
    limit(&mut service, &gold, None, GroupStatus::Archived).await;
    assert_eq!(
        requested(&service, "six", &token).await,
        "link_limit_reached"
    );
    limit(&mut service, &default, None, active).await;
    assert_eq!(requested(&service, "six", &token).await, "created");
    service
        .assert_state_is_the_fold_of_its_log(
            &Tracking,
            &MIGRATIONS,
            &["groups", "memberships", "links"],
        )
        .await;
    service.stop().await;
}

#[tokio::test]
async fn links_are_counted_where_there_is_a_limit_and_up_to_it() {
    let service = start().await;
    let (limited, free) = (
        BrandId::parse("limited").unwrap(),
        BrandId::parse("free").unwrap(),
    );
    // Of each partner half in campaigns of the one brand, half in the other's.
    sqlx::raw_sql(
        "INSERT INTO campaigns (id, brand_id, allowed_hosts, position)
         SELECT 'camp' || n, CASE n % 2 WHEN 0 THEN 'limited' ELSE 'free' END, '{}', n FROM generate_series(0, 9) n;
         INSERT INTO links (code, campaign_id, partner_id, enrollment_id, target_url, digest, created_at, position)
         SELECT 'lnk_' || n, 'camp' || n % 10, 'partner' || n % 20 / 10, 'e', 'https://shop.example/', n, n, n FROM generate_series(0, 39999) n;
         ANALYZE campaigns, links",
    )
    .execute(service.pool())
    .await
    .unwrap();
    sqlx::query("INSERT INTO groups (id, brand_id, link_limit, status, position) VALUES ($1, 'limited', 7, 'active', 1)")
        .bind(GroupId::default_of(&limited).as_str())
        .execute(service.pool())
        .await
        .unwrap();
    let (one, other) = (
        PartnerId::parse("partner0").unwrap(),
        PartnerId::parse("partner1").unwrap(),
    );
    let makers = [(&limited, &one), (&free, &other)];
    let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
    for (changing, expected) in [(None, vec![7]), (Some(9), vec![9, 9])] {
        let groups = groups::load(&mut tx, &makers, changing, &[]);
        let groups = groups.await.unwrap();
        let mut counts: Vec<i64> = groups.links.into_values().collect();
        counts.sort_unstable();
        assert_eq!(counts, expected);
    }
    let read = rows_read(&mut tx, "links").await;
    // What is counted, and the first link in each campaign.
    assert!(read <= 7 + 9 + 9 + 3 * 10, "{read}");
    drop(tx);
    service.stop().await;
}

#[tokio::test]
async fn of_a_brand_with_very_many_groups_those_that_a_partner_may_be_in_are_read_alone() {
    let service = start().await;
    sqlx::raw_sql(
        "INSERT INTO groups (id, brand_id, link_limit, status, position)
         SELECT 'grp_' || n, 'brand1', n, 'active', n FROM generate_series(1, 20000) n;
         ANALYZE groups",
    )
    .execute(service.pool())
    .await
    .unwrap();
    let (brand, partner) = (shop(), PartnerId::parse(PARTNER).unwrap());
    let default = GroupId::default_of(&brand);
    sqlx::query("INSERT INTO groups (id, brand_id, link_limit, status, position) VALUES ($1, 'brand1', 1, 'active', 1)")
        .bind(default.as_str())
        .execute(service.pool())
        .await
        .unwrap();
    sqlx::query("INSERT INTO memberships (id, brand_id, partner_id, group_id, position) VALUES ($1, 'brand1', $2, 'grp_7', 1)")
        .bind(MembershipId::of(&brand, &partner).as_str())
        .bind(partner.as_str())
        .execute(service.pool())
        .await
        .unwrap();
    let of_id = |id: &str| GroupId::parse(id).unwrap();
    let into = [of_id("grp_9"), of_id("grp_unknown")];
    let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
    let makers = [(&brand, &partner)];
    let groups = groups::load(&mut tx, &makers, Some(0), &into);
    let groups = groups.await.unwrap();
    let limits = [
        (default, Some(1)),
        (of_id("grp_7"), Some(7)),
        (of_id("grp_9"), Some(9)),
    ];
    assert_eq!(groups.limits, HashMap::from(limits));
    assert_eq!(groups.limit(&partner, &brand), Some(7));
    let read = rows_read(&mut tx, "groups").await;
    assert!(read <= 3, "{read}");
    drop(tx);
    service.stop().await;
}
