//! What partners say of themselves, show and note stands nowhere as it is, and is erased with their keys.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use runtime::testing::{TestService, brand, operator, partner, rows};
use serde_json::{Value, json};

use crate::app::{self, EVIDENCE};

const TEXT: &str = "qperson7f3a";
const PARTNERS: &str = "/api/v1/campaign/partners";

/// A partner says who it is, comes in with a note, and shows something.
async fn appears(service: &TestService, who: &str) {
    let token = partner(who);
    let own = format!("{PARTNERS}/{who}");
    let known = json!({"name": format!("{TEXT} {who}"), "country": "DE", "website": format!("https://{TEXT}.example/")});
    let (status, answer) = service.patch(&own, &token, &known).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let accept = json!({"accepted_terms": true, "metadata": {"note": TEXT}});
    let path = format!("{}/camp1/accept", app::CAMPAIGNS);
    app::post(service, &path, &token, &accept, StatusCode::CREATED).await;
    let shown = json!({"campaign_id": "camp1", "evidence_type": "photo", "file_url": format!("https://a.example/{TEXT}/{who}.jpg"),
        "metadata": {"note": TEXT}});
    app::post(service, EVIDENCE, &token, &shown, StatusCode::CREATED).await;
}

/// What the campaign's brand reads of it.
async fn read(service: &TestService, who: &str) -> [Value; 4] {
    let token = brand("brand1");
    let (_, known) = service.get(&format!("{PARTNERS}/{who}"), &token).await;
    let list = format!("{EVIDENCE}?partner_id={who}");
    let (_, shown) = service.get(&list, &token).await;
    let shown = &shown["items"][0];
    [
        known["name"].clone(),
        known["website"].clone(),
        shown["file_url"].clone(),
        shown["metadata"]["note"].clone(),
    ]
}

#[tokio::test]
async fn what_partners_say_stands_nowhere_as_it_is_and_nobody_reads_it_once_they_are_erased() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    for who in ["partner1", "partner2"] {
        appears(&service, who).await;
    }
    // What may be there is found: a search that finds nothing shows nothing.
    assert!(!service.tables_holding("partner1").await.is_empty());
    assert_eq!(service.tables_holding(TEXT).await, [""; 0]);
    let before = read(&service, "partner1").await;
    let expected = [
        json!(format!("{TEXT} partner1")),
        json!(format!("https://{TEXT}.example/")),
        json!(format!("https://a.example/{TEXT}/partner1.jpg")),
        json!(TEXT),
    ];
    assert_eq!(before, expected);

    let path = format!("{PARTNERS}/partner1/erase");
    for who in [partner("partner1"), brand("brand1")] {
        let (status, _) = service.post(&path, &who, &json!({})).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    assert_eq!(read(&service, "partner1").await, expected);
    app::post(&service, &path, &operator(), &json!({}), StatusCode::OK).await;
    assert_eq!(read(&service, "partner1").await, [const { Value::Null }; 4]);
    let (_, known) = service
        .get(&format!("{PARTNERS}/partner1"), &operator())
        .await;
    assert_eq!(
        (&known["country"], &known["status"]),
        (&Value::Null, &json!("active"))
    );
    assert_ne!(
        read(&service, "partner2").await,
        [const { Value::Null }; 4],
        "another's stay"
    );
    let keys = rows(service.pool(), "personal_keys").await;
    assert_eq!(keys.len(), 1);
    assert!(keys[0].contains("partner2"), "{keys:?}");
    let tables = ["partners", "evidence", "enrollments"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;

    // Who comes back is known by what it says from then on.
    let known = json!({"name": "Somebody"});
    let own = format!("{PARTNERS}/partner1");
    service.patch(&own, &partner("partner1"), &known).await;
    let [name, website, ..] = read(&service, "partner1").await;
    assert_eq!((name, website), (json!("Somebody"), Value::Null));
    service.stop().await;
}
