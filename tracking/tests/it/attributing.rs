//! Whose a purchase is.

use messaging::Answer;
use runtime::testing::{brand, unmade_database};
use schemas::{Body, Topic};
use serde_json::json;
use types::Micros;

use crate::app::*;

#[tokio::test]
async fn a_purchase_belongs_to_the_last_click_of_its_visitor() {
    let service = start_with_link().await;
    let click = click(&service, "lnk_1", "user123").await;
    // As the walk says it: no order, no currency, the amount inside metadata.
    let body = json!({"user_id": "user123", "event_type": "purchase",
                      "metadata": {"amount": 100.0, "product_id": "prod456"}});
    let answer = report_as(&service, "attributed", &body).await;
    assert_eq!(answer["partner_id"], PARTNER);
    assert_eq!(answer["click_id"], json!(click));
    assert_eq!(
        answer["amount"],
        json!({"amount": "100.00", "currency": "USD"})
    );
    let conversion = see(&service, &answer).await;
    assert_eq!(conversion["standing"], "attributed");
    assert_eq!(conversion["amount"], "100.00");
    assert_eq!(
        kinds(&service).await,
        [
            "terms.adopted.v1",
            "campaign.adopted.v1",
            "enrollment.adopted.v1",
            "link.created.v1",
            "conversion.attributed.v1"
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn the_last_click_wins_and_a_named_click_or_campaign_wins_over_it() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &["partner9"]).await;
    create_link(&service, "lnk_2", "camp200", "partner9").await;
    let first = click(&service, "lnk_1", "user1").await;
    let second = click(&service, "lnk_2", "user1").await;
    let bought = purchase("user1", "10");
    let answer = report_as(&service, "attributed", &bought).await;
    assert_eq!(
        (&answer["partner_id"], &answer["click_id"]),
        (&json!("partner9"), &json!(second))
    );
    let answer = report_as(
        &service,
        "attributed",
        &with(bought.clone(), "campaign_id", CAMPAIGN),
    )
    .await;
    assert_eq!(
        (&answer["partner_id"], &answer["click_id"]),
        (&json!(PARTNER), &json!(first))
    );
    let named = with(purchase("somebody-else", "10"), "click_id", first.clone());
    let answer = report_as(&service, "attributed", &named).await;
    assert_eq!(answer["partner_id"], PARTNER);
    let mixed = with(with(bought, "click_id", first), "campaign_id", "camp200");
    let answer = report_as(&service, "unattributed", &mixed).await;
    assert_eq!(answer["reason"], "click_of_other_campaign");
    service.stop().await;
}

#[tokio::test]
async fn an_older_click_that_is_still_inside_its_window_wins_over_a_newer_one_that_is_not() {
    let mut service = start_with_link().await;
    deliver(&mut service, "short", "short", terms(1, "USD", 1)).await;
    deliver(&mut service, "short", "short", activated()).await;
    deliver(
        &mut service,
        "short",
        &enrollment("short", PARTNER),
        accepted(PARTNER),
    )
    .await;
    create_link(&service, "lnk_short", "short", PARTNER).await;
    click(&service, "lnk_1", "user1").await;
    click(&service, "lnk_short", "user1").await;
    click(&service, "lnk_short", "user2").await;
    service.advance_clock(3 * 86_400).await;
    let answer = report_as(&service, "attributed", &purchase("user1", "10")).await;
    assert_eq!(answer["campaign_id"], CAMPAIGN);
    let answer = report_as(&service, "unattributed", &purchase("user2", "10")).await;
    assert_eq!(answer["reason"], "outside_window");
    service.stop().await;
}

#[tokio::test]
async fn a_report_that_waited_is_of_when_it_was_requested_unless_it_or_its_producer_claims_a_time()
{
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &["partner9"]).await;
    create_link(&service, "lnk_2", "camp200", "partner9").await;
    click(&service, "lnk_1", "user1").await;
    let waited = [1, 2, 3].map(|number| reported("user1", &format!("order{number}")));
    service.advance_clock(3_600).await;
    click(&service, "lnk_2", "user1").await;
    let [of_a_service, mut of_a_producer, mut claiming] = waited;
    of_a_producer.header.source = "a shop".to_owned();
    if let Body::RecordEventV1(body) = &mut claiming.body {
        body.occurred_at = Some(Micros(of_a_service.header.time.0 + 3_700_000_000));
    }
    let topic = Topic::TrackingCommands;
    let waited = vec![of_a_service, of_a_producer, claiming];
    for answer in service.deliver_all(topic, waited).await {
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    }
    let log = service.log().await;
    let whose = log.iter().filter_map(|message| match &message.body {
        Body::ConversionAttributedV1(attributed) => Some(attributed.partner_id.as_str()),
        _ => None,
    });
    assert_eq!(whose.collect::<Vec<_>>(), [PARTNER, "partner9", "partner9"]);
    service.stop().await;
}

#[tokio::test]
async fn clicks_of_many_days_are_found_each_in_its_days_partition() {
    let service = start_with_link().await;
    let first = click(&service, "lnk_1", "user1").await;
    let before = service.host.pool();
    let at: i64 = sqlx::query_scalar("SELECT clicked_at FROM clicks")
        .fetch_one(before)
        .await
        .unwrap();
    for _ in 0..4 {
        service.advance_clock(86_400).await;
        click(&service, "lnk_1", "user1").await;
    }
    let days: i64 = sqlx::query_scalar("SELECT count(DISTINCT tableoid) FROM clicks")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(days, 5);
    // Claimed to have happened just after the first of five clicks.
    let claimed = chassis::time::to_rfc3339(types::Micros(at + 1));
    let answer = report_as(
        &service,
        "attributed",
        &with(purchase("user1", "10"), "occurred_at", claimed),
    )
    .await;
    assert_eq!(answer["click_id"], json!(first));
    service.stop().await;
}

#[tokio::test]
async fn what_is_nobodys_says_why() {
    let service = start_with_link().await;
    let clicked = click(&service, "lnk_1", "user1").await;
    let stranger = purchase("stranger", "10");
    for (body, reason) in [
        (stranger.clone(), "no_click"),
        (with(stranger.clone(), "campaign_id", CAMPAIGN), "no_click"),
        (
            with(stranger.clone(), "campaign_id", "nowhere"),
            "campaign_unknown",
        ),
        (
            with(stranger.clone(), "click_id", "clk_of_another_network"),
            "click_unknown",
        ),
        (
            with(stranger, "click_id", format!("{clicked}0")),
            "click_unknown",
        ),
        (
            with(
                purchase("user1", "10"),
                "occurred_at",
                "2020-01-01T00:00:00Z",
            ),
            "no_click",
        ),
    ] {
        let answer = report_as(&service, "unattributed", &body).await;
        assert_eq!(answer["reason"], reason, "{body}");
        let conversion = see(&service, &answer).await;
        assert_eq!(
            (&conversion["amount"], &conversion["partner_id"]),
            (&json!("10"), &json!(null))
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn leads_and_other_events_are_kept() {
    let service = start_with_link().await;
    let clicked = click(&service, "lnk_1", "user1").await;
    let lead = json!({"user_id": "user1", "event_type": "lead"});
    let answer = report_as(&service, "attributed", &lead).await;
    assert_eq!(answer["amount"], json!(null));
    for event_type in ["click", "page_view", "cart.updated"] {
        let body = json!({"user_id": "user1", "event_type": event_type, "click_id": clicked,
                          "metadata": {"product_id": "prod1", "anything": [1, 2]}});
        report_as(&service, "recorded", &body).await;
    }
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT event_type, link_code FROM tracking_events ORDER BY position")
            .fetch_all(service.pool())
            .await
            .unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|(kind, link)| (kind.as_str(), link.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            ("click", "lnk_1"),
            ("page_view", "lnk_1"),
            ("cart.updated", "lnk_1")
        ]
    );
    let notes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM report_notes WHERE product_id = 'prod1' AND metadata LIKE '%anything%'",
    )
    .fetch_one(service.pool())
    .await
    .unwrap();
    assert_eq!(notes, 3);
    service.stop().await;
}

#[tokio::test]
async fn no_table_log_or_event_holds_the_visitors_id() {
    let service = start_with_link().await;
    let user = "canary-7f3a";
    click(&service, "lnk_1", user).await;
    report_as(&service, "attributed", &order(user, "order1", "10")).await;
    report_as(
        &service,
        "unattributed",
        &with(order(user, "order2", "10"), "campaign_id", "nowhere"),
    )
    .await;
    report_as(&service, "refund_noted", &refund(user, "order3", "10")).await;
    report_as(
        &service,
        "recorded",
        &json!({"user_id": user, "event_type": "seen"}),
    )
    .await;
    for table in ["clicks", "conversions", "tracking_events", "pipeline.inbox"] {
        let rows = runtime::testing::rows(service.pool(), table).await;
        assert!(
            !rows.is_empty() && rows.iter().all(|row| !row.contains(user)),
            "{table}"
        );
    }
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM pipeline.message_log WHERE position(convert_to($1, 'UTF8') IN body) > 0")
        .bind(user)
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(found, 0);
    service.stop().await;
}

#[tokio::test]
async fn a_report_needs_no_token_where_the_local_profile_opens_direct_http() {
    let database_url = unmade_database();
    let mut variables = variables(&database_url);
    variables.insert("DIRECT_HTTP_AUTH".to_owned(), "none".to_owned());
    let mut service = start_with(variables).await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    click(&service, "lnk_1", "user123").await;
    let body = json!({"user_id": "user123", "event_type": "purchase",
                      "metadata": {"amount": 100.0, "product_id": "prod456"}});
    let url = format!("{}{EVENTS}", service.base_url);
    let response = service.client.post(&url).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    // A token that is shown is checked all the same.
    let request = service.client.post(&url).bearer_auth("nonsense");
    assert_eq!(request.json(&body).send().await.unwrap().status(), 401);
    service.stop().await;
}

#[tokio::test]
async fn what_a_brand_reports_belongs_to_the_last_click_in_its_own_campaigns() {
    let mut service = start_with_link().await;
    // A second brand's campaign.
    adopt_of(&mut service, "brand2", "camp300", &[PARTNER]).await;
    create_link(&service, "lnk_3", "camp300", PARTNER).await;
    click(&service, "lnk_1", "user1").await;
    let last = click(&service, "lnk_3", "user1").await;
    let bought = purchase("user1", "10");
    let (status, answer) = service.post(EVENTS, &brand(BRAND), &bought).await;
    assert_eq!(
        (status.as_u16(), &answer["campaign_id"]),
        (201, &json!(CAMPAIGN))
    );
    let answer = report_as(&service, "attributed", &bought).await;
    assert_eq!(answer["campaign_id"], "camp300");
    // Not by naming another's click or campaign.
    for (name, value, code) in [
        ("click_id", last.as_str(), "click_unknown"),
        ("campaign_id", "camp300", "campaign_unknown"),
    ] {
        let body = with(bought.clone(), name, value);
        let (status, problem) = service.post(EVENTS, &brand(BRAND), &body).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!(code)));
    }
    service.stop().await;
}
