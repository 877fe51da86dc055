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

#[tokio::test]
async fn of_an_erased_partner_with_very_many_mails_and_sales_nothing_is_left() {
    let mut service = app::start().await;
    let mails = "INSERT INTO mails (id, contact_id, address_id, partner_id, kind, event_id, correlation_id, data, hurries, created_at, state, next_at, concluded)
        SELECT 'mail' || n, 'cnt', gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'partner1' ELSE 'partner2' END, 'k', gen_random_uuid(), gen_random_uuid(),
               '{\"of\": 1}', false, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 'sent', 0, true
          FROM generate_series(1, 5000) n";
    let sales = "INSERT INTO postback_sales (conversion_id, partner_id, click_id, link_code, campaign_id)
        SELECT 'c' || n, CASE n % 2 WHEN 0 THEN 'partner1' ELSE 'partner2' END, 'clk', 'spring', 'camp1' FROM generate_series(1, 5000) n";
    for sql in [mails, sales] {
        sqlx::raw_sql(sql).execute(service.pool()).await.unwrap();
    }
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    let left = async |partner: &str| {
        let left = "SELECT (SELECT count(*) FROM mails WHERE partner_id = $1 AND data <> '{}') + (SELECT count(*) FROM postback_sales WHERE partner_id = $1)
                         + (SELECT count(*) FROM erased_partners WHERE partner_id = $1)";
        let left = sqlx::query_scalar::<_, i64>(left).bind(partner);
        left.fetch_one(service.pool()).await.unwrap()
    };
    until("nothing is left of it", || async {
        left("partner1").await == 0
    })
    .await;
    assert_eq!(left("partner2").await, 5_000);
    service.stop().await;
}
