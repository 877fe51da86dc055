//! Whose a purchase is.

use serde_json::json;

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
