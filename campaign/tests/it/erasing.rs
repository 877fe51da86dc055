//! What partners say of themselves, show and note stands nowhere as it is, and is erased with their keys.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use runtime::testing::{TestService, brand, operator, partner, rows};
use sealing::texts;
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

    // Who comes back is known by what it says from then on, and not by what it showed before.
    let known = json!({"name": "Somebody"});
    let own = format!("{PARTNERS}/partner1");
    service.patch(&own, &partner("partner1"), &known).await;
    let [name, website, ..] = read(&service, "partner1").await;
    assert_eq!((name, website), (json!("Somebody"), Value::Null));
    service.stop().await;
}

/// As a build of before its partners' keys sealed it, and as an external producer's is.
async fn under_the_lasting_secret(service: &TestService) {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM evidence")
        .fetch_all(service.pool())
        .await
        .unwrap();
    for id in ids {
        let sealed = texts::seal(&texts::of_evidence(&id.parse().unwrap()), TEXT);
        sqlx::query("UPDATE evidence SET sealed_url = $1 WHERE id = $2")
            .bind(sealed)
            .bind(id)
            .execute(service.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_was_shown_under_no_key_of_the_partner_is_read_until_it_is_erased_and_what_comes_later_is_read()
 {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    for who in ["partner1", "partner2"] {
        appears(&service, who).await;
    }
    sqlx::query("DELETE FROM evidence_files")
        .execute(service.pool())
        .await
        .unwrap();
    under_the_lasting_secret(&service).await;
    assert_eq!(read(&service, "partner1").await[2], TEXT);
    let path = format!("{PARTNERS}/partner1/erase");
    app::post(&service, &path, &operator(), &json!({}), StatusCode::OK).await;
    assert_eq!(read(&service, "partner1").await[2], Value::Null);
    assert_eq!(read(&service, "partner2").await[2], TEXT, "another's stays");

    let later = json!({"campaign_id": "camp1", "evidence_type": "photo", "file_url": "https://a.example/later.jpg"});
    let token = partner("partner1");
    app::post(&service, EVIDENCE, &token, &later, StatusCode::CREATED).await;
    under_the_lasting_secret(&service).await;
    assert_eq!(read(&service, "partner1").await[2], TEXT);
    service.stop().await;
}
