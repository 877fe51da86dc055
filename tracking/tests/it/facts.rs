//! What campaign states, where tracking cannot use it.

use schemas::{Body, Topic};
use serde_json::json;

use crate::app::{CAMPAIGN, adopt, create_link, kinds, start, terms, wait_for};

#[tokio::test]
async fn terms_that_cannot_be_read_become_dead_letters_and_others_go_on() {
    let mut service = start().await;
    let topic = Topic::CampaignEvents;
    let odd = terms(1, "USD", 30);
    let fact = service
        .assert_dead_letter(
            topic,
            "camp200",
            odd,
            &[("USD", "usd")],
            "terms_published_v1.currency",
        )
        .await;
    assert!(kinds(&service).await.is_empty());
    adopt(&mut service, CAMPAIGN, &["partner123"]).await;
    create_link(&service, "lnk_1", CAMPAIGN, "partner123").await;

    let of_others = kinds(&service).await.len();
    service
        .mend(&fact, |payload| payload["currency"] = json!("USD"))
        .await;
    let adopted = wait_for(&service, "terms.adopted.v1").await;
    assert!(matches!(adopted.body, Body::TermsAdoptedV1(_)));
    let log = service.log().await;
    let last = log.last().unwrap();
    assert_eq!(
        (log.len(), last.header.causation_id, &*last.header.subject),
        (of_others + 1, Some(fact.header.id), "camp200")
    );
}
