//! Rule 7: the tables are the fold of the log.

use runtime::testing::partner;
use schemas::CampaignClosedV1;
use serde_json::json;
use tracking::{MIGRATIONS, Tracking};

use crate::app::*;

#[tokio::test]
async fn the_tables_are_the_fold_of_the_log() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &["partner9", PARTNER]).await;
    deliver(&mut service, "camp200", "camp200", terms(2, "EUR", 7)).await;
    create_link(&service, "lnk_2", "camp200", "partner9").await;
    let clicked = click(&service, "lnk_1", "user1").await;
    report_as(&service, "attributed", &order("user1", "o1", "100")).await;
    let named = with(order("user1", "o1", "100"), "campaign_id", CAMPAIGN);
    report_as(&service, "duplicate_ignored", &named).await;
    let claimed = order("user1", "claimed1", "100");
    let (_, answer) = service.post(EVENTS, &partner(PARTNER), &claimed).await;
    assert_eq!(answer["outcome"], "claimed", "{answer}");
    report_as(&service, "refunded", &refund("user1", "o1", "12.34")).await;
    report_as(&service, "refund_noted", &refund("user1", "o2", "5")).await;
    report_as(
        &service,
        "refund_noted",
        &with(refund("user1", "o2", "6"), "campaign_id", CAMPAIGN),
    )
    .await;
    report_as(
        &service,
        "attributed",
        &with(order("user1", "o2", "50"), "campaign_id", CAMPAIGN),
    )
    .await;
    report_as(
        &service,
        "unattributed",
        &with(order("nobody", "o3", "7.5"), "currency", "EUR"),
    )
    .await;
    report_as(&service, "refund_noted", &refund("nobody", "o3", "7.5")).await;
    report_as(&service, "refund_noted", &refund("nobody", "o4", "1")).await;
    report_as(
        &service,
        "attributed",
        &json!({"user_id": "user1", "event_type": "lead"}),
    )
    .await;
    let seen = json!({"user_id": "user1", "event_type": "seen", "click_id": clicked});
    report_as(&service, "recorded", &seen).await;
    refused(
        &service,
        422,
        "currency_mismatch",
        &with(purchase("user1", "1"), "currency", "EUR"),
    )
    .await;
    let (path, disabled) = (format!("{LINKS}/lnk_1"), json!({"status": "disabled"}));
    let (status, answer) = service.patch(&path, &partner(PARTNER), &disabled).await;
    assert_eq!(status, 200, "{answer}");
    let brand_id = BRAND.parse().unwrap();
    let closed = CampaignClosedV1 { brand_id };
    deliver(&mut service, "camp200", "camp200", closed.into()).await;
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &FOLDED)
        .await;
    service
        .assert_replay_finds_and_mends_what_hands_changed::<Tracking>()
        .await;
    // It goes on with the tables, and the view, that were put in place.
    let lead = json!({"user_id": "user1", "event_type": "lead"});
    report_as(&service, "attributed", &lead).await;
    let clean = service.replay("verify").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
    service.stop().await;
}
