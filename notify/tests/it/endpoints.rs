//! Webhook endpoints: made, shown, changed, disabled, enabled, given another secret, removed; and whose they are.

use axum::http::StatusCode;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, until};
use schemas::{Body, CreateWebhookEndpointV1, RotateWebhookSecretV1, Topic};
use serde_json::{Value, json};

use crate::app::{self, WEBHOOKS};
use crate::receiver::Receiver;

const URL: &str = "https://hooks.example.com/tributary";

async fn delete(service: &TestService, path: &str, token: &str) -> StatusCode {
    let url = format!("{}{path}", service.base_url);
    let request = service.client.delete(url).bearer_auth(token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn an_endpoint_is_made_changed_disabled_enabled_and_removed_and_its_table_is_the_fold_of_the_log()
 {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let id = app::endpoint(&service, &brand, URL, &["conversion.attributed.v1"]).await;
    let path = format!("{WEBHOOKS}/{id}");
    let shown = app::get(&service, &path, &brand).await;
    assert_eq!(shown["brand_id"], "brand1");
    assert_eq!(shown["url"], URL);
    assert_eq!(shown["kinds"], json!(["conversion.attributed.v1"]));
    assert_eq!(shown["status"], "enabled");
    let list = app::get(&service, WEBHOOKS, &brand).await;
    assert_eq!(list["items"], json!([shown]));

    let change =
        json!({"url": "https://other.example.com/", "kinds": [], "description": "The shop"});
    let (status, _) = service.patch(&path, &brand, &change).await;
    assert_eq!(status, StatusCode::OK);
    let (status, again) = service.patch(&path, &brand, &change).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(again["code"], "webhook_endpoint_unchanged");
    let shown = app::get(&service, &path, &brand).await;
    assert_eq!(shown["url"], "https://other.example.com/");
    assert_eq!(shown["kinds"], json!([]));
    assert_eq!(shown["description"], "The shop");

    let unnamed = json!({"description": ""});
    let (status, _) = service.patch(&path, &brand, &unnamed).await;
    assert_eq!(status, StatusCode::OK);
    let shown = app::get(&service, &path, &brand).await;
    assert_eq!(shown["description"], Value::Null);
    let (status, again) = service.patch(&path, &brand, &unnamed).await;
    assert_eq!(status, StatusCode::CONFLICT, "{again}");
    let long = json!({"description": "x".repeat(201)});
    let (status, _) = service.patch(&path, &brand, &long).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    let nothing = json!({});
    for (what, status, reason) in [
        ("disable", "disabled", json!("owner")),
        ("enable", "enabled", Value::Null),
    ] {
        let request = format!("{path}/{what}");
        app::post(&service, &request, &brand, &nothing, StatusCode::OK).await;
        app::post(&service, &request, &brand, &nothing, StatusCode::CONFLICT).await;
        let shown = app::get(&service, &path, &brand).await;
        assert_eq!(shown["status"], status);
        assert_eq!(shown["disabled_reason"], reason);
    }
    assert_eq!(delete(&service, &path, &brand).await, StatusCode::OK);
    assert_eq!(delete(&service, &path, &brand).await, StatusCode::NOT_FOUND);
    let (status, _) = service.get(&path, &brand).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["webhook_endpoints"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_secret_is_shown_to_its_owner_again_and_again_changes_when_it_is_rotated_and_is_kept_nowhere()
 {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let id = app::endpoint(&service, &brand, URL, &[]).await;
    let path = format!("{WEBHOOKS}/{id}/secret");
    let first = app::get(&service, &path, &brand).await;
    assert_eq!(first["previous_secret"], Value::Null);
    assert_eq!(app::get(&service, &path, &brand).await, first);
    let rotate = format!("{WEBHOOKS}/{id}/rotate");
    let overlap = json!({"overlap_seconds": 3_600});
    app::post(&service, &rotate, &brand, &overlap, StatusCode::OK).await;
    let second = app::get(&service, &path, &brand).await;
    assert_eq!(second["previous_secret"], first["secret"]);
    assert!(second["previous_until"].is_string());
    app::post(&service, &rotate, &brand, &json!({}), StatusCode::OK).await;
    let third = app::get(&service, &path, &brand).await;
    assert_eq!(third["previous_secret"], Value::Null);
    for shown in [&first, &second, &third] {
        let secret = shown["secret"].as_str().unwrap();
        assert_eq!(secret.len(), "whsec_".len() + 44);
        assert_eq!(
            service.tables_holding(&secret[6..]).await,
            Vec::<String>::new()
        );
    }
    let url = format!("{}{path}", service.base_url);
    let answer = service.client.get(url).bearer_auth(&brand).send().await;
    assert_eq!(answer.unwrap().headers()["cache-control"], "no-store");
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_its_owners_and_nobody_elses() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let of_brand = app::endpoint(&service, &brand, URL, &[]).await;
    let of_partner = app::endpoint(&service, &partner, URL, &[]).await;
    let body = json!({"url": URL, "partner_id": "partner1"});
    let operator = testing::operator();
    app::post(&service, WEBHOOKS, &operator, &body, StatusCode::CREATED).await;

    for (id, stranger) in [
        (&of_brand, testing::brand("brand2")),
        (&of_brand, partner.clone()),
        (&of_partner, brand.clone()),
        (&of_partner, testing::partner("partner2")),
        // A partner is no brand of the same name.
        (&of_brand, testing::partner("brand1")),
    ] {
        let path = format!("{WEBHOOKS}/{id}");
        for read in [path.clone(), format!("{path}/secret")] {
            let (status, _) = service.get(&read, &stranger).await;
            assert_eq!(status, StatusCode::NOT_FOUND);
        }
        for what in ["disable", "rotate", "test"] {
            let request = format!("{path}/{what}");
            app::post(
                &service,
                &request,
                &stranger,
                &json!({}),
                StatusCode::NOT_FOUND,
            )
            .await;
        }
        assert_eq!(
            delete(&service, &path, &stranger).await,
            StatusCode::NOT_FOUND
        );
    }
    let theirs = json!({"url": URL, "brand_id": "brand2"});
    let refused = app::post(&service, WEBHOOKS, &brand, &theirs, StatusCode::NOT_FOUND).await;
    assert_eq!(refused["code"], "brand_unknown");
    let list = app::get(&service, WEBHOOKS, &partner).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let list = app::get(&service, WEBHOOKS, &operator).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn what_an_owner_is_never_shown_it_cannot_be_sent_and_nothing_is_sent_into_a_network_of_ours()
{
    let service = app::start().await;
    let partner = testing::partner("partner1");
    for (body, pointer) in [
        (
            json!({"url": URL, "kinds": ["deposit.cleared.v1"]}),
            "/kinds/0",
        ),
        (json!({"url": URL, "kinds": ["no.such.v1"]}), "/kinds/0"),
        (json!({"url": "http://hooks.example.com/"}), "/url"),
        (json!({"url": "https://10.0.0.1/"}), "/url"),
        (json!({"url": "https://notify.internal/"}), "/url"),
        (
            json!({"url": URL, "brand_id": "b", "partner_id": "p"}),
            "/partner_id",
        ),
    ] {
        let expected = StatusCode::UNPROCESSABLE_ENTITY;
        let refused = app::post(&service, WEBHOOKS, &partner, &body, expected).await;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    service.stop().await;
}

#[tokio::test]
async fn an_owner_has_twenty_endpoints_at_most() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let mut last = String::new();
    for _ in 0..20 {
        last = app::endpoint(&service, &brand, URL, &[]).await;
    }
    let more = json!({"url": URL});
    let refused = app::post(&service, WEBHOOKS, &brand, &more, StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "too_many_webhook_endpoints");
    let path = format!("{WEBHOOKS}/{last}");
    assert_eq!(delete(&service, &path, &brand).await, StatusCode::OK);
    app::endpoint(&service, &brand, URL, &[]).await;
    service.stop().await;
}

#[tokio::test]
async fn of_a_removed_endpoint_nothing_is_left_and_it_is_looked_at_no_more() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &[]).await;
    for order in ["order1", "order2"] {
        app::sale(&mut service, order, "brand1", "partner1").await;
    }
    app::until_deliveries(&service, &id, "delivered", 2).await;
    let path = format!("{WEBHOOKS}/{id}");
    assert_eq!(delete(&service, &path, &brand).await, StatusCode::OK);
    until("nothing is left, and nothing to be looked at", || async {
        for table in ["webhook_deliveries", "removed_endpoints"] {
            if !testing::rows(service.pool(), table).await.is_empty() {
                return false;
            }
        }
        true
    })
    .await;
    let rows = testing::rows(service.pool(), "webhook_endpoints").await;
    assert_eq!(rows.len(), 1, "the fold keeps it");
    service.stop().await;
}

#[tokio::test]
async fn an_external_producer_makes_no_endpoint_whomever_it_speaks_for() {
    let service = app::start().await;
    let create = Body::from(CreateWebhookEndpointV1 {
        brand_id: Some("brand1".to_owned()),
        partner_id: None,
        url: URL.to_owned(),
        kinds: Vec::new(),
        description: None,
        format: None,
    });
    let rotate = Body::from(RotateWebhookSecretV1 {
        overlap_seconds: None,
    });
    for body in [create, rotate] {
        let mut message = testing::message(Topic::NotifyCommands, "whe_1", "whe_1", body, None);
        message.header.source = "shop".to_owned();
        let answers = service
            .deliver_all(Topic::NotifyCommands, vec![message])
            .await;
        let refused = format!("{answers:?}");
        assert!(refused.contains("not_for_producers"), "{refused}");
    }
    service.stop().await;
}
