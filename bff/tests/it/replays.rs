//! An event that comes again changes nothing, and models that were emptied fill again to the same.

use messaging::Answer;
use runtime::testing::{TestService, brand, message, operator, partner, rows};
use schemas::{
    ApiKeyCreatedV1, ApiKeyRevokedV1, ApiKeyRotatedV1, Body, ClaimedSale, ConversionClaimedV1,
    GroupChangedV1, GroupCreatedV1, Message, PartnerBannedV1, PartnerChangedV1, PartnerMovedV1,
    Topic,
};
use serde_json::{Value, json};
use types::{ApiKeyScope, Country, GroupStatus, Micros, RefusalReason};

use crate::app::{
    accept, accepted, bff, calculated, claimed, facts, logged, outcome, partner123,
    payout_requested, posted, usd,
};

const MODELS: [&str; 10] = [
    "api_keys",
    "brands",
    "groups",
    "memberships",
    "partners",
    "outcomes",
    "commissions",
    "payouts",
    "balances",
    "sealing_keys",
];

async fn models(app: &TestService) -> Vec<Vec<String>> {
    let mut models = Vec::new();
    for table in MODELS {
        models.push(rows(app.pool(), table).await);
    }
    models
}

/// A key that has another secret while that of before goes on, and one that was revoked.
fn keys() -> [(&'static str, &'static str, Body); 4] {
    let brand_id = || "brand1".parse().unwrap();
    let created = || ApiKeyCreatedV1 {
        brand_id: brand_id(),
        prefix: "0123abcd".to_owned(),
        hash: "00".repeat(32),
        scopes: vec![ApiKeyScope::ReportsRead],
        expires_at: Some(Micros(1)),
    };
    let rotated = ApiKeyRotatedV1 {
        brand_id: brand_id(),
        prefix: "4567cdef".to_owned(),
        hash: "11".repeat(32),
        scopes: vec![ApiKeyScope::ReportsRead],
        expires_at: Some(Micros(1)),
        previous_hash: Some("00".repeat(32)),
        previous_until: Some(Micros(2)),
    };
    let brand_id = brand_id();
    [
        ("key_1", "key_1", created().into()),
        ("key_2", "key_2", created().into()),
        ("key_1", "key_1", rotated.into()),
        ("key_2", "key_2", ApiKeyRevokedV1 { brand_id }.into()),
    ]
}

/// A partner that says where it is, and is moved to a group that is limited, and another that is archived.
fn people() -> [(&'static str, &'static str, Body); 5] {
    let changed = PartnerChangedV1 {
        country: Country::parse("DE").ok(),
        currency: None,
        sealed_name: Some(vec![1]),
        sealed_website: None,
    };
    let created = |limit| GroupCreatedV1 {
        link_limit: limit,
        sealed_name: Some(vec![2]),
    };
    let archived = GroupChangedV1 {
        status: GroupStatus::Archived,
        link_limit: None,
        sealed_name: None,
    };
    let moved = PartnerMovedV1 {
        partner_id: "partner123".parse().unwrap(),
        group_id: "grp_1".parse().unwrap(),
    };
    [
        ("partner123", "partner123", changed.into()),
        ("brand2", "grp_1", created(Some(3)).into()),
        ("brand2", "grp_2", created(None).into()),
        ("brand2", "grp_2", archived.into()),
        ("brand2", "mem_1", moved.into()),
    ]
}

async fn filled(app: &TestService) -> Vec<(Topic, Vec<Message>)> {
    let command = accept(app, &partner123()).await;
    let command = logged(app, command).await;
    let end = outcome(app, Topic::CampaignEvents, &command, accepted()).await;
    app.deliver_all(Topic::CampaignEvents, vec![end.clone()])
        .await;
    let keys = facts(app, Topic::CampaignEvents, &keys()).await;
    let people = facts(app, Topic::CampaignEvents, &people()).await;
    let commission = calculated("partner123", "brand1", 1_000, "approved");
    let commissions = [("conv1", "conv1", commission)];
    let commissions = facts(app, Topic::CommissionEvents, &commissions).await;
    crate::app::publish_key(app, "key1", 3_600).await;
    let payments = facts(
        app,
        Topic::PaymentEvents,
        &[
            ("p", "p", posted("brand:b:funds", "partner:p:payable", 900)),
            ("p", "pay_1", payout_requested(500)),
        ],
    )
    .await;
    vec![
        (Topic::CampaignEvents, [vec![end], keys, people].concat()),
        (Topic::CommissionEvents, commissions),
        (Topic::PaymentEvents, payments),
    ]
}

#[tokio::test]
async fn what_comes_again_is_noted_once() {
    let app = bff().await;
    let reported = filled(&app).await;
    let before = models(&app).await;
    for (topic, messages) in reported {
        for answer in app.deliver_all(topic, messages).await {
            assert!(matches!(answer, Answer::Repeated), "{answer:?}");
        }
    }
    assert_eq!(models(&app).await, before);
}

#[tokio::test]
async fn models_without_their_watermarks_fill_again_to_the_same() {
    let app = bff().await;
    let reported = filled(&app).await;
    let before = models(&app).await;
    sqlx::raw_sql(
        "TRUNCATE api_keys, brands, groups, memberships, partners, outcomes, commissions, payouts, balances, transfers; UPDATE read_head SET position = 1;
         DELETE FROM pipeline.watermark WHERE topic <> 'payment-events';
         UPDATE pipeline.watermark SET sequence = 1 WHERE topic = 'payment-events'",
    )
    .execute(app.pool())
    .await
    .unwrap();
    for (topic, messages) in reported {
        app.deliver_all(topic, messages).await;
    }
    let without_positions = |models: Vec<Vec<String>>| -> Vec<Vec<String>> {
        let cut = |row: String| {
            let mut row: serde_json::Value = serde_json::from_str(&row).unwrap();
            row.as_object_mut().unwrap().remove("position");
            row.to_string()
        };
        models
            .into_iter()
            .map(|rows| rows.into_iter().map(cut).collect())
            .collect()
    };
    assert_eq!(
        without_positions(models(&app).await),
        without_positions(before)
    );
}

/// Of a log that went back: what it gave an id for the second time.
async fn deliver_again(
    app: &TestService,
    topic: Topic,
    (key, subject): (&str, &str),
    [first, again]: [Body; 2],
) -> Message {
    let event = |body, epoch| {
        let mut event = message(topic, key, subject, body, Some(1));
        event.header.epoch = Some(epoch);
        event
    };
    let answers = app.deliver_all(topic, vec![event(first, 1)]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
    let source = topic.owner().name();
    let accept = json!({"source": source, "epoch": 2, "reason": "a test"});
    let path = "/api/v1/operator/bff/epoch/accept";
    let (status, body) = app.post(path, &operator(), &accept).await;
    assert!(status.is_success(), "{body}");
    let again = event(again, 2);
    let answers = app.deliver_all(topic, vec![again.clone()]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
    again
}

#[tokio::test]
async fn a_claim_that_a_restore_made_again_is_shown_as_it_was_made_last() {
    let app = bff().await;
    let claim = |partner: &str, minor, order: &str, link: &str, time| {
        let sale = ClaimedSale {
            partner_id: partner.parse().unwrap(),
            amount: Some(usd(minor)),
            order_id: Some(order.parse().unwrap()),
            link_code: link.parse().unwrap(),
            occurred_at: Micros(time),
            ..claimed()
        };
        Body::from(ConversionClaimedV1 {
            sale,
            user_hash: None,
        })
    };
    let both = [
        claim("partner123", 10_000, "o1", "lnk_1", 1_900_000_000_000_000),
        claim("partner456", 2_500, "o2", "lnk_2", 1_800_000_000_000_000),
    ];
    deliver_again(&app, Topic::TrackingEvents, ("clm_1", "clm_1"), both).await;
    let path = "/api/v1/claims/clm_1";
    assert_eq!(app.get(path, &partner123()).await.0, 404);
    let (_, seen) = app.get(path, &partner("partner456")).await;
    assert_eq!(
        [&seen["amount"], &seen["order_id"], &seen["link_code"]],
        [&json!("25.00"), &json!("o2"), &json!("lnk_2")]
    );
    assert_eq!(seen["occurred_at"], "2027-01-15T08:00:00Z", "{seen}");
    app.stop().await;
}

#[tokio::test]
async fn a_payout_that_a_restore_made_again_is_shown_as_it_was_made_last() {
    let app = bff().await;
    let both = [payout_requested(500), payout_requested(900)];
    deliver_again(&app, Topic::PaymentEvents, ("p", "pay_1"), both).await;
    let (_, seen) = app.get("/api/v1/payouts/pay_1", &partner("p")).await;
    assert_eq!(seen["amount"], "9.00", "{seen}");
    app.stop().await;
}

#[tokio::test]
async fn a_key_that_a_restore_made_again_is_shown_as_it_was_made_last_and_when_it_was() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    let key = |brand: &str, scope, expires_at| {
        Body::from(ApiKeyCreatedV1 {
            brand_id: brand.parse().unwrap(),
            prefix: "0123abcd".to_owned(),
            hash: "00".repeat(32),
            scopes: vec![scope],
            expires_at,
        })
    };
    let both = [
        key("brand1", ApiKeyScope::ReportsRead, Some(Micros(1))),
        key("brand2", ApiKeyScope::LinksWrite, None),
    ];
    let made = deliver_again(&app, topic, ("key_1", "key_1"), both).await;
    let made = made.header.time;
    let path = "/api/v1/keys/key_1";
    assert_eq!(app.get(path, &brand("brand1")).await.0, 404);
    let (_, seen) = app.get(path, &brand("brand2")).await;
    assert_eq!(
        [&seen["scopes"], &seen["expires_at"]],
        [&json!(["links.write"]), &Value::Null]
    );
    let created = async || {
        let sql = "SELECT created_at FROM api_keys";
        sqlx::query_scalar(sql).fetch_one(app.pool()).await
    };
    assert_eq!(created().await.ok(), Some(made.get()));

    let rotated = ApiKeyRotatedV1 {
        brand_id: "brand2".parse().unwrap(),
        prefix: "4567cdef".to_owned(),
        hash: "11".repeat(32),
        scopes: vec![ApiKeyScope::LinksWrite],
        expires_at: None,
        previous_hash: None,
        previous_until: None,
    };
    let mut rotated = message(topic, "key_1", "key_1", rotated.into(), Some(2));
    rotated.header.epoch = Some(2);
    rotated.header.time = Micros(made.get() + 1);
    let answers = app.deliver_all(topic, vec![rotated]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
    let (_, seen) = app.get(path, &brand("brand2")).await;
    assert_eq!(seen["prefix"], "4567cdef");
    assert_eq!(created().await.ok(), Some(made.get()));
    app.stop().await;
}

#[tokio::test]
async fn who_was_first_seen_when_is_the_same_in_whatever_order_two_partitions_come() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    let mut sequence = 0;
    let orders = [[1_000, 2_000], [2_000, 1_000]];
    let cases = orders.map(|times| [(times, 1), (times, 2)]);
    for (number, (times, at_once)) in cases.into_iter().flatten().enumerate() {
        let (partner, brand) = (format!("partner{number}"), format!("brand{number}"));
        let banned = PartnerBannedV1 {
            brand_id: Some(brand.parse().unwrap()),
            reason: RefusalReason::Other,
        };
        let moved = PartnerMovedV1 {
            partner_id: partner.parse().unwrap(),
            group_id: "grp_1".parse().unwrap(),
        };
        let (ban, member) = (format!("ban_{number}"), format!("mem_{number}"));
        let events = [
            (&partner, &ban, Body::from(banned)),
            (&brand, &member, Body::from(moved)),
        ];
        let events = events.into_iter().zip(times);
        let events: Vec<Message> = events
            .map(|((key, subject, body), time)| {
                sequence += 1;
                let mut event = message(topic, key, subject, body, Some(sequence));
                event.header.time = Micros(time);
                event
            })
            .collect();
        for batch in events.chunks(at_once) {
            for answer in app.deliver_all(topic, batch.to_vec()).await {
                assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
            }
        }
    }
    let seen = "SELECT seen_at FROM partners UNION ALL SELECT seen_at FROM brands UNION ALL SELECT created_at FROM groups";
    let seen: Vec<i64> = sqlx::query_scalar(seen)
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert_eq!(seen, [1_000; 12]);
}
