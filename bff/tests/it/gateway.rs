//! Writes become commands in the log.

use axum::http::StatusCode;
use chassis::auth::Role;
use runtime::testing::{brand, claims, mint, operator};
use schemas::{Body, Header, Message};
use sealing::texts;
use serde_json::json;
use types::{
    BrandId, CampaignId, ConversionId, EnrollmentId, EvidenceId, LinkCode, OrderId, PartnerId,
};

use crate::app::{acceptance, bff, id, logged, partner123, submitted};

#[tokio::test]
async fn a_write_is_answered_202_and_stands_in_the_log_as_a_command() {
    let app = bff().await;
    let correlation_id = "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e";
    let response = app
        .client
        .post(format!("{}/api/v1/campaigns/camp123/accept", app.base_url))
        .bearer_auth(partner123())
        .header("x-correlation-id", correlation_id)
        .json(&acceptance())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["status"], "pending");
    assert_eq!(body["correlation_id"], correlation_id);
    let Header {
        id,
        kind,
        source,
        sequence,
        actor,
        traceparent,
        ..
    } = logged(&app, id(&body["command_id"])).await.header;
    assert_eq!(location, format!("/api/v1/commands/{id}"));
    assert_eq!(kind, "campaign.accept.command.v1");
    assert_eq!((source.as_str(), sequence), ("bff", Some(1)));
    assert_eq!(actor.unwrap().partner_id.as_deref(), Some("partner123"));
    assert!(traceparent.is_some());
}

fn about(message: &Message) -> (&str, &str, &str) {
    let header = &message.header;
    (&header.kind, &header.key, &header.subject)
}

#[tokio::test]
async fn campaigns_are_made_given_terms_and_activated_for_the_tokens_brand() {
    let app = bff().await;
    let token = brand("brand9");
    let campaign = json!({"campaign_id": "camp9", "name": "Nine", "currency": "USD", "allowed_hosts": ["a.example"]});
    let create = submitted(&app, &token, "/api/v1/campaigns", &campaign).await;
    assert_eq!(
        about(&create),
        ("campaign.create.command.v1", "camp9", "camp9")
    );
    let Body::CreateV1(body) = create.body else {
        panic!("{create:?}")
    };
    assert_eq!(body.brand_id, "brand9");

    let terms = json!({"text": "Be fair.\n", "window_days": 30, "plan": {
        "sale": {"bps": 1_000}, "lead": {"flat": {"amount": "2.50", "currency": "USD"}}, "hold_days": 14}});
    let publish = submitted(&app, &token, "/api/v1/campaigns/camp9/terms", &terms).await;
    assert_eq!(
        about(&publish),
        ("campaign.publish_terms.command.v1", "camp9", "camp9")
    );
    let Body::PublishTermsV1(body) = publish.body else {
        panic!("{publish:?}")
    };
    assert_eq!(
        (body.plan.sale_bps, body.plan.lead_bps),
        (Some(1_000), None)
    );
    assert_eq!(body.plan.lead_flat.unwrap().minor, 250);
    assert_eq!((body.window_days, body.plan.hold_days), (30, 14));

    let activate = submitted(&app, &token, "/api/v1/campaigns/camp9/activate", &json!({})).await;
    assert_eq!(
        about(&activate),
        ("campaign.activate.command.v1", "camp9", "camp9")
    );
}

#[tokio::test]
async fn a_campaign_without_an_id_gets_that_of_its_command() {
    let app = bff().await;
    let campaign = json!({"brand_id": "brand1", "name": "One", "currency": "JPY", "allowed_hosts": ["a.example"]});
    let create = submitted(&app, &operator(), "/api/v1/campaigns", &campaign).await;
    let made = CampaignId::of_command(create.header.id);
    assert_eq!(create.header.subject, made.as_str());
}

#[tokio::test]
async fn partners_accept_show_evidence_and_make_links() {
    let app = bff().await;
    let token = partner123();
    let (campaign, partner) = (
        CampaignId::parse("camp123").unwrap(),
        PartnerId::parse("partner123").unwrap(),
    );
    let path = "/api/v1/campaigns/camp123/accept";
    let accept = submitted(&app, &token, path, &acceptance()).await;
    let enrollment = EnrollmentId::of(&campaign, &partner);
    assert_eq!(
        about(&accept),
        ("campaign.accept.command.v1", "camp123", enrollment.as_str())
    );
    let Body::AcceptV1(body) = accept.body else {
        panic!("{accept:?}")
    };
    assert_eq!(body.metadata, None);
    let sealed = body.sealed_metadata.as_deref();
    let keys = app.host.personal_keys([sealed]).await.unwrap();
    let note = keys.open(&texts::of_acceptances_notes(&enrollment), sealed.unwrap());
    assert_eq!(note.as_deref(), Some(r#"{"source":"mobile_app"}"#));

    let photo = json!({"campaign_id": "camp123", "evidence_type": "photo",
        "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}});
    let evidence = submitted(&app, &token, "/api/v1/evidence/upload", &photo).await;
    let subject = EvidenceId::of(
        &campaign,
        &partner,
        "photo",
        "https://example.com/photo.jpg",
    );
    assert_eq!(
        about(&evidence),
        (
            "campaign.submit_evidence.command.v1",
            "camp123",
            subject.as_str()
        )
    );

    let link = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/p"});
    let made = submitted(&app, &token, "/api/v1/links", &link).await;
    let code = LinkCode::of_command(made.header.id);
    assert_eq!(
        about(&made),
        (
            "tracking.create_link.command.v1",
            code.as_str(),
            code.as_str()
        )
    );
}

#[tokio::test]
async fn an_event_is_about_the_conversion_of_its_order_wherever_its_fields_stand() {
    let app = bff().await;
    let path = "/api/v1/tracking/events";
    let inside = json!({"user_id": "user123", "event_type": "purchase", "metadata": {
        "amount": 100.0, "currency": "USD", "order_id": "o1", "campaign_id": "camp123", "product_id": "prod456"}});
    let beside = json!({"user_id": "user123", "event_type": "purchase", "amount": "100", "currency": "USD",
        "order_id": "o1", "campaign_id": "camp123", "product_id": "prod456", "metadata": {"amount": 100.00}});
    let campaign = CampaignId::parse("camp123").unwrap();
    let order = OrderId::parse("o1").unwrap();
    let conversion = ConversionId::of_order(Some(&campaign), &order);
    for body in [inside, beside] {
        let event = submitted(&app, &partner123(), path, &body).await;
        let kind = "tracking.record_event.command.v1";
        assert_eq!(
            about(&event),
            (kind, conversion.as_str(), conversion.as_str())
        );
        let Body::RecordEventV1(body) = event.body else {
            panic!("{event:?}")
        };
        assert_eq!(body.amount.as_deref(), Some("100"));
        assert_eq!(body.campaign_id.as_deref(), Some("camp123"));
        assert_eq!(body.product_id.as_deref(), Some("prod456"));
    }
}

#[tokio::test]
async fn two_brands_orders_of_one_number_are_two_conversions_and_one_brands_is_one_in_all_campaigns()
 {
    let app = bff().await;
    let path = "/api/v1/tracking/events";
    let order = OrderId::parse("1001").unwrap();
    for kind in ["purchase", "refund"] {
        for campaign in [json!(null), json!("camp123"), json!("unheard-of")] {
            for id in ["hbA", "hbB"] {
                let body = json!({"user_id": "user123", "event_type": kind, "amount": "10", "order_id": "1001",
                    "campaign_id": campaign});
                let event = submitted(&app, &brand(id), path, &body).await;
                let own = ConversionId::of_brand(&BrandId::parse(id).unwrap(), &order);
                assert_eq!(event.header.subject, own.as_str(), "{id} {body}");
                assert_eq!(event.header.key, own.as_str());
            }
        }
    }
    // An operator speaks for no shop, whatever its token names.
    let both = mint(&claims("both").role(Role::Operator).brand("hbA"));
    let body = json!({"user_id": "user123", "event_type": "refund", "order_id": "1001"});
    let event = submitted(&app, &both, path, &body).await;
    let bare = ConversionId::of_order(None, &order);
    assert_eq!(event.header.subject, bare.as_str());
    app.stop().await;
}

#[tokio::test]
async fn a_refund_may_name_its_conversion_and_is_about_that() {
    let app = bff().await;
    let named = "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e";
    for order in [json!(null), json!("1001")] {
        let body = json!({"user_id": "user123", "event_type": "refund", "order_id": order,
            "conversion_id": named.to_uppercase()});
        let event = submitted(&app, &brand("hbA"), "/api/v1/tracking/events", &body).await;
        let kind = "tracking.record_event.command.v1";
        assert_eq!(about(&event), (kind, named, named));
        let Body::RecordEventV1(body) = event.body else {
            panic!("{event:?}")
        };
        assert_eq!(body.conversion_id.as_deref(), Some(named));
        assert_eq!(body.order_id.as_deref(), order.as_str());
    }
    app.stop().await;
}

#[tokio::test]
async fn an_event_without_an_order_is_a_conversion_of_its_own() {
    let app = bff().await;
    let walk = json!({"user_id": "user123", "event_type": "purchase", "metadata": {"amount": 100.0, "product_id": "prod456"}});
    let event = submitted(&app, &partner123(), "/api/v1/tracking/events", &walk).await;
    assert_eq!(event.header.key, event.header.id.to_string());
    assert_eq!(event.header.subject, event.header.id.to_string());
}

#[tokio::test]
async fn several_links_of_one_request_become_a_command_each_and_its_key_repeats_them_all() {
    let app = bff().await;
    let link = |target: &str| json!({"campaign_id": "camp123", "target_url": target});
    let many = json!({"links": [link("https://a.example/1"), link("https://a.example/1")]});
    let path = "/api/v1/links:batch";
    let (status, first) = app.post_with_key(path, &partner123(), "k1", &many).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");
    let ids = |answer: &serde_json::Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap().iter();
        items
            .map(|item| item["command_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&first).len(), 2);
    assert_ne!(ids(&first)[0], ids(&first)[1]);
    let (status, again) = app.post_with_key(path, &partner123(), "k1", &many).await;
    assert_eq!((status, ids(&again)), (StatusCode::ACCEPTED, ids(&first)));
    for id in ids(&first) {
        let (_, command) = app
            .get(&format!("/api/v1/commands/{id}"), &partner123())
            .await;
        assert_eq!(command["type"], "tracking.create_link.command.v1");
        assert_eq!(
            command["correlation_id"],
            first["items"][0]["correlation_id"]
        );
    }
    let theirs = json!({"links": [{"campaign_id": "camp123", "partner_id": "partner9", "target_url": "https://a.example/"}]});
    let (status, _) = app.post(path, &partner123(), &theirs).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn of_several_links_under_a_key_that_was_used_for_others_none_is_made() {
    let app = bff().await;
    let link = |target: &str| json!({"campaign_id": "camp123", "target_url": target});
    let path = "/api/v1/links:batch";
    let one = json!({"links": [link("https://a.example/1")]});
    let (status, _) = app.post_with_key(path, &partner123(), "k1", &one).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let others = json!({"links": [link("https://a.example/2"), link("https://a.example/3")]});
    let (status, refused) = app.post_with_key(path, &partner123(), "k1", &others).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert_eq!(refused["code"], "idempotency_key_reused");
    let (_, commands) = app.get("/api/v1/commands", &partner123()).await;
    assert_eq!(commands["items"].as_array().unwrap().len(), 1, "{commands}");
    app.stop().await;
}
