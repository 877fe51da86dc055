//! What is left of a partner that is erased: nothing that it said, and nothing that it was sent.

use axum::http::StatusCode;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, until};
use schemas::{PartnerErasedV1, Topic};
use serde_json::json;

use crate::app::{self, WEBHOOKS};
use crate::receiver::Receiver;

const DESCRIPTION: &str = "What Ann calls it";

async fn kept(service: &TestService, endpoint: &str) -> (i64, i64) {
    sqlx::query_as(
        "SELECT count(DISTINCT d.id), count(a.*) FROM webhook_deliveries d
           LEFT JOIN webhook_attempts a ON a.delivery_id = d.id WHERE d.endpoint_id = $1",
    )
    .bind(endpoint)
    .fetch_one(service.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn an_erased_partner_has_no_endpoint_is_sent_nothing_and_nothing_is_kept_of_what_it_was_sent()
{
    let mut service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let (ours, theirs) = (Receiver::start().await, Receiver::start().await);
    let of_brand = app::endpoint(&service, &brand, &ours.url, &[]).await;
    let mut own = Vec::new();
    for enabled in [true, false] {
        let body = json!({"url": theirs.url, "kinds": [], "description": DESCRIPTION});
        let made = app::post(&service, WEBHOOKS, &partner, &body, StatusCode::CREATED).await;
        let id = made["endpoint_id"].as_str().unwrap().to_owned();
        if !enabled {
            let path = format!("{WEBHOOKS}/{id}/disable");
            app::post(&service, &path, &partner, &json!({}), StatusCode::OK).await;
        }
        own.push(id);
    }
    // One that was taken, and one that waits.
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    app::until_deliveries(&service, &own[0], "delivered", 1).await;
    theirs.answer("order2", 500);
    app::sale(&mut service, "order2", "brand1", "partner1").await;
    theirs.until(2).await;
    app::until_deliveries(&service, &of_brand, "delivered", 2).await;

    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    until("what the partner was sent is gone", || async {
        kept(&service, &own[0]).await == (0, 0)
    })
    .await;
    for id in &own {
        let (status, _) = service.get(&format!("{WEBHOOKS}/{id}"), &partner).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    for text in [DESCRIPTION, theirs.url.as_str()] {
        // The log is never rewritten.
        assert_eq!(service.tables_holding(text).await, ["pipeline.message_log"]);
    }
    app::sale(&mut service, "order3", "brand1", "partner1").await;
    app::until_deliveries(&service, &of_brand, "delivered", 3).await;
    assert_eq!(kept(&service, &own[0]).await, (0, 0));
    let arrived = theirs.received();
    assert!(arrived.iter().all(|one| one.subject() != "order3"));
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["webhook_endpoints"])
        .await;
    service.stop().await;
}
