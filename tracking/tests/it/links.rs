//! Links: asked for before and after their campaign is known.

use axum::http::StatusCode;
use chassis::idempotency::IdempotencyKey;
use messaging::Answer;
use runtime::testing::{brand, message, operator, partner, until};
use schemas::{Actor, CreateLinkV1, Message, Topic};
use serde_json::{Value, json};
use types::ids::Asker;

use crate::app::*;

fn link(campaign: &str) -> Value {
    json!({"campaign_id": campaign, "target_url": "https://shop.example/"})
}

#[tokio::test]
async fn a_partner_makes_a_link_of_its_own_and_a_key_makes_it_once() {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let token = partner(PARTNER);
    let (status, first) = service
        .post_with_key(LINKS, &token, "k1", &link(CAMPAIGN))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert_eq!(first["partner_id"], PARTNER);
    let code = first["code"].as_str().unwrap();
    assert!(code.starts_with("lnk_"));
    assert_eq!(first["path"], format!("/c/{code}"));
    let (status, again) = service
        .post_with_key(LINKS, &token, "k1", &link(CAMPAIGN))
        .await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first));
    // Read again by whose it is, and by nobody else.
    let path = format!("{LINKS}/{code}");
    for (token, shown) in [
        (&token, true),
        (&brand(BRAND), true),
        (&operator(), true),
        (&partner("partner456"), false),
        (&brand("brand2"), false),
    ] {
        let (status, read) = service.get(&path, token).await;
        if shown {
            assert_eq!((status, &read), (StatusCode::OK, &first));
        } else {
            assert_eq!(status, StatusCode::NOT_FOUND);
        }
    }
    let asker = Asker {
        subject: PARTNER,
        partner: Some(PARTNER),
        brand: None,
    };
    service.assert_commands_follow_from(&[asker], &["k1"]).await;
    let other = json!({"campaign_id": CAMPAIGN, "target_url": "https://shop.example/other"});
    let (status, problem) = service.post_with_key(LINKS, &token, "k1", &other).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    service.stop().await;
}

#[tokio::test]
async fn a_link_waits_for_a_campaign_and_an_enrollment_that_are_on_their_way() {
    let mut service = start().await;
    let token = partner(PARTNER);
    let body = link(CAMPAIGN);
    let request = service.client.post(format!("{}{LINKS}", service.base_url));
    let response = request
        .bearer_auth(&token)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    // On a slow machine ten seconds pass before the campaign is there.
    for sql in [
        "UPDATE pipeline.parked SET deadline = deadline + 3600000000, next_at = next_at + 3600000000",
        "UPDATE pipeline.log_head SET position = position",
    ] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    let status = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(service.get(&status, &token).await.1["status"], "pending");
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    wait_for(&service, "link.created.v1").await;
    assert_eq!(service.get(&status, &token).await.1["status"], "completed");
    service.stop().await;
}

#[tokio::test]
async fn a_link_of_a_campaign_that_never_comes_is_refused_after_ten_seconds() {
    let service = start().await;
    let token = partner(PARTNER);
    let (status, body) = service.post(LINKS, &token, &link("nowhere")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let path = format!(
        "/api/v1/tracking/commands/{}",
        body["command_id"].as_str().unwrap()
    );
    service.advance_clock(11).await;
    until("the refusal", || async {
        service.get(&path, &token).await.1["status"] == "rejected"
    })
    .await;
    assert_eq!(
        service.get(&path, &token).await.1["code"],
        "timed_out_waiting"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_taken_code_another_host_and_another_partner_are_refused() {
    let service = start_with_link().await;
    let with_code = with(with(link(CAMPAIGN), "code", "lnk_1"), "partner_id", PARTNER);
    let (status, problem) = service.post(LINKS, &operator(), &with_code).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("link_exists"))
    );
    let astray = with(
        link(CAMPAIGN),
        "target_url",
        "https://shop.example.evil.example/",
    );
    let (status, problem) = service.post(LINKS, &partner(PARTNER), &astray).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("host_not_allowed"))
    );
    assert_eq!(problem["errors"][0]["pointer"], "/target_url");
    let theirs = with(link(CAMPAIGN), "partner_id", PARTNER);
    let (status, problem) = service.post(LINKS, &partner("partner9"), &theirs).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("not_enrolled"))
    );
    service.stop().await;
}

#[tokio::test]
async fn each_of_many_links_is_made_or_refused_on_its_own_and_a_key_makes_each_once() {
    let service = start_with_link().await;
    let token = partner(PARTNER);
    let many = json!({"links": [
        with(link(CAMPAIGN), "code", "one"),
        with(link(CAMPAIGN), "code", "lnk_1"),
        with(link(CAMPAIGN), "target_url", "https://evil.example/"),
        link(CAMPAIGN),
    ]});
    let path = "/api/v1/tracking/links:batch";
    let (status, first) = service.post_with_key(path, &token, "k1", &many).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let items = first["items"].as_array().unwrap();
    let of = |name: &str| -> Vec<Value> { items.iter().map(|item| item[name].clone()).collect() };
    assert_eq!(of("status"), [201, 409, 422, 201]);
    let codes: Vec<_> = items.iter().map(|item| &item["problem"]["code"]).collect();
    let expected = [
        json!(null),
        json!("link_exists"),
        json!("host_not_allowed"),
        json!(null),
    ];
    assert_eq!(codes, expected.iter().collect::<Vec<_>>());
    assert_eq!(items[0]["link"]["path"], "/c/one");
    let (status, again) = service.post_with_key(path, &token, "k1", &many).await;
    assert_eq!(status, StatusCode::OK);
    let links = |answer: &Value| {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["link"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(links(&again), links(&first));
    let other = json!({"links": [link(CAMPAIGN)]});
    let (status, reused) = service.post_with_key(path, &token, "k1", &other).await;
    assert_eq!(
        (status.as_u16(), &reused["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    service.stop().await;
}

#[tokio::test]
async fn of_many_links_under_a_key_that_was_used_for_others_none_is_made() {
    let service = start_with_link().await;
    let token = partner(PARTNER);
    let path = "/api/v1/tracking/links:batch";
    let two = json!({"links": [link(CAMPAIGN), link(CAMPAIGN)]});
    let (status, first) = service.post_with_key(path, &token, "k1", &two).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let before = service.get(LINKS, &token).await.1;
    assert_eq!(before["items"].as_array().unwrap().len(), 3);
    let three = json!({"links": [link(CAMPAIGN), link(CAMPAIGN), link(CAMPAIGN)]});
    let (status, problem) = service.post_with_key(path, &token, "k1", &three).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    assert_eq!(service.get(LINKS, &token).await.1, before);
    service.stop().await;
}

/// A link of the partner's own, as the bff asks for it under a key of this hash.
fn of_bff(code: &str, key: &str) -> Message {
    let asker = Asker {
        subject: PARTNER,
        partner: Some(PARTNER),
        brand: None,
    };
    let wanted = CreateLinkV1 {
        campaign_id: CAMPAIGN.to_owned(),
        partner_id: PARTNER.to_owned(),
        target_url: "https://shop.example/".to_owned(),
        utm: None,
        deep_paths: None,
    };
    let mut command = message(Topic::TrackingCommands, code, code, wanted.into(), None);
    command.header.id = asker.command_id("tracking.create_link.command.v1", key);
    command.header.actor = Some(Actor {
        subject: PARTNER.to_owned(),
        roles: vec!["partner".to_owned()],
        partner_id: Some(PARTNER.to_owned()),
        brand_id: None,
    });
    command
}

#[tokio::test]
async fn a_link_that_the_bff_had_made_under_a_key_is_the_answer_to_the_same_key_here() {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let key = IdempotencyKey::parse("k1").unwrap().hash();
    let command = of_bff("of-bff", &key);
    let answers = service
        .deliver_all(Topic::TrackingCommands, vec![command])
        .await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");

    let token = partner(PARTNER);
    let (status, made) = service
        .post_with_key(LINKS, &token, "k1", &link(CAMPAIGN))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["code"], "of-bff");
    let items = service.get(LINKS, &token).await.1;
    assert_eq!(items["items"].as_array().unwrap().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn of_more_links_than_the_bff_had_made_under_a_key_none_is_made_under_it_here() {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let key = IdempotencyKey::parse("k1").unwrap();
    let commands = [0, 1].map(|place| {
        let key = key.of_item(place).hash();
        of_bff(&format!("of-bff-{place}"), &key)
    });
    let answers = service
        .deliver_all(Topic::TrackingCommands, commands.into())
        .await;
    assert!(
        matches!(answers[..], [Answer::Done(_), Answer::Done(_)]),
        "{answers:?}"
    );
    let token = partner(PARTNER);
    let before = service.get(LINKS, &token).await.1;
    let path = "/api/v1/tracking/links:batch";
    let many = |count: usize| json!({"links": vec![link(CAMPAIGN); count]});
    let (status, problem) = service.post_with_key(path, &token, "k1", &many(3)).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    assert_eq!(service.get(LINKS, &token).await.1, before);
    let (status, made) = service.post_with_key(path, &token, "k1", &many(2)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(made["items"][0]["link"]["code"], "of-bff-0", "{made}");
    assert_eq!(made["items"][1]["link"]["code"], "of-bff-1", "{made}");
    assert_eq!(service.get(LINKS, &token).await.1, before);
    service.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_form_of_one_of_many_links_is_pointed_at_and_none_is_made() {
    let service = start_with_link().await;
    let token = partner(PARTNER);
    let path = "/api/v1/tracking/links:batch";
    let before = service.get(LINKS, &token).await.1;
    let good = with(link(CAMPAIGN), "code", "one");
    for (bad, pointer) in [
        (
            with(link(CAMPAIGN), "target_url", "ftp://shop.example/"),
            "/links/1/target_url",
        ),
        (
            with(link(CAMPAIGN), "utm", json!({"source": "{visitor}"})),
            "/links/1/utm/source",
        ),
    ] {
        let many = json!({"links": [good, bad]});
        let (status, problem) = service.post(path, &token, &many).await;
        assert_eq!(
            (status.as_u16(), &problem["errors"][0]["pointer"]),
            (422, &json!(pointer))
        );
    }
    for count in [0, 101] {
        let many = json!({"links": vec![link(CAMPAIGN); count]});
        let (status, problem) = service.post(path, &token, &many).await;
        assert_eq!(
            (status.as_u16(), &problem["errors"][0]["pointer"]),
            (422, &json!("/links"))
        );
    }
    let (status, problem) = service
        .post(path, &operator(), &json!({"links": [good]}))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["pointer"]),
        (422, &json!("/links/0/partner_id"))
    );
    let theirs = json!({"links": [with(good.clone(), "partner_id", PARTNER)]});
    let (status, _) = service.post(path, &partner("partner9"), &theirs).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(service.get(LINKS, &token).await.1, before);
    service.stop().await;
}
