//! What clients note, and who a visitor is, stands in no message; on request it is erased.

use axum::http::StatusCode;
use chassis::auth::Role;
use runtime::testing::{TestService, brand, claims, message, mint, operator, partner, rows};
use schemas::{Body, EvidenceSubmittedV1, PartnerChangedV1, PartnerErasedV1, Topic};
use serde_json::{Value, json};
use types::ids;
use uuid::Uuid;

use crate::app::{bff, facts, id, logged, partner123, submitted};
use crate::reads_of_programmes::{created, of_campaign};

const VISITOR: &str = "qvisitor7f3a";
const NOTE: &str = "qnote7f3a";
const ERASURES: &str = "/api/v1/erasures";
const EVENTS: &str = "/api/v1/tracking/events";

async fn taken(app: &TestService, token: &str, path: &str, body: &Value) {
    let (status, answer) = app.post(path, token, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{path}: {answer}");
}

#[tokio::test]
async fn a_visitors_id_and_what_clients_note_are_in_no_message_and_notes_are_erased() {
    let app = bff().await;
    let report = |order: &str| {
        json!({"user_id": VISITOR, "event_type": "purchase", "amount": "10", "order_id": order,
            "metadata": {"note": NOTE}})
    };
    let shop = brand("brand1");
    taken(&app, &shop, EVENTS, &report("qorder7f3a")).await;
    let bind = "/api/v1/tracking/clicks/clk_1/visitor";
    taken(&app, &shop, bind, &json!({"user_id": VISITOR})).await;
    // What may be there is found: a search that finds nothing shows nothing.
    assert_eq!(
        app.tables_holding("qorder7f3a").await,
        ["pipeline.message_log"]
    );
    assert_eq!(app.tables_holding(VISITOR).await, [""; 0]);
    let notes = "public.command_notes";
    assert_eq!(app.tables_holding(NOTE).await, [notes]);

    let whom = |brand: &str| json!({"brand_id": brand, "user_id": VISITOR});
    let (status, _) = app.post(ERASURES, &shop, &whom("brand1")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    taken(&app, &operator(), ERASURES, &whom("brand2")).await;
    assert_eq!(
        app.tables_holding(NOTE).await,
        [notes],
        "another brand's visitor"
    );
    taken(&app, &operator(), ERASURES, &whom("brand1")).await;
    assert_eq!(app.tables_holding(NOTE).await, [""; 0]);
    assert_eq!(app.tables_holding(VISITOR).await, [""; 0]);

    // Who is an operator reports for any brand, whichever it is itself.
    let both = claims("both").role(Role::Operator).brand("brand1");
    taken(&app, &mint(&both), EVENTS, &report("qother7f3a")).await;
    assert_eq!(app.tables_holding(NOTE).await, [notes]);
    taken(&app, &operator(), ERASURES, &whom("brand2")).await;
    assert_eq!(app.tables_holding(NOTE).await, [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn what_a_partner_says_of_itself_is_in_no_message_and_nobody_reads_it_once_it_is_erased() {
    let app = bff().await;
    let text = "qperson7f3a";
    let own = "/api/v1/partners/partner123";
    let known = json!({"name": text, "website": format!("https://{text}.example/")});
    let (status, answer) = app.patch(own, &partner123(), &known).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let changed = logged(&app, id(&answer["command_id"])).await;
    let note = json!({"accepted_terms": true, "metadata": {"note": text}});
    taken(
        &app,
        &partner123(),
        "/api/v1/campaigns/camp123/accept",
        &note,
    )
    .await;
    let shown = json!({"campaign_id": "camp123", "evidence_type": "photo", "metadata": {"note": text},
        "file_url": format!("https://a.example/{text}.jpg")});
    taken(&app, &partner123(), "/api/v1/evidence/upload", &shown).await;
    assert!(!app.tables_holding("partner123").await.is_empty());
    assert_eq!(app.tables_holding(text).await, [""; 0]);

    let Body::ChangePartnerV1(command) = changed.body else {
        panic!("{changed:?}");
    };
    assert_eq!((&command.name, &command.website), (&None, &None));
    let outcome = PartnerChangedV1 {
        country: None,
        currency: None,
        sealed_name: command.sealed_name,
        sealed_website: command.sealed_website,
    };
    let topic = Topic::CampaignEvents;
    let fact =
        |body: Body, sequence| message(topic, "partner123", "partner123", body, Some(sequence));
    app.deliver_all(topic, vec![fact(outcome.into(), 1)]).await;
    let (_, seen) = app.get(own, &partner123()).await;
    assert_eq!(seen["name"], text);

    let erase = format!("{own}/erase");
    let (status, _) = app.post(&erase, &partner123(), &json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    taken(&app, &operator(), &erase, &json!({})).await;
    let erased = fact(PartnerErasedV1 {}.into(), 2);
    app.deliver_all(topic, vec![erased.clone()]).await;
    let (_, seen) = app.get(own, &partner123()).await;
    assert_eq!(
        (&seen["name"], &seen["website"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(rows(app.pool(), "personal_keys").await, [""; 0]);
    // What it says when it comes back is read, also after a replay of what was before.
    let known = json!({"name": "Somebody"});
    app.patch(own, &partner123(), &known).await;
    assert_eq!(rows(app.pool(), "personal_keys").await.len(), 1);
    // As if it had not been folded yet.
    let before = "UPDATE pipeline.watermark SET sequence = 1 WHERE topic = 'campaign-events'";
    sqlx::query(before).execute(app.pool()).await.unwrap();
    app.deliver_all(topic, vec![erased]).await;
    assert_eq!(rows(app.pool(), "personal_keys").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn notes_beside_evidence_are_read_by_its_partner_and_the_brand_until_that_partner_is_erased()
{
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    of_campaign(&app, created(None)).await;
    let photo = json!({"campaign_id": "camp123", "evidence_type": "photo", "metadata": {"note": NOTE},
        "file_url": "https://a.example/1.jpg"});
    let command = submitted(&app, &partner123(), "/api/v1/evidence/upload", &photo).await;
    let evidence = command.header.subject.as_str();
    let Body::SubmitEvidenceV1(sent) = command.body else {
        panic!("{command:?}");
    };
    let shown = EvidenceSubmittedV1 {
        partner_id: "partner123".parse().unwrap(),
        evidence_type: sent.evidence_type,
        url_hash: sent.url_hash.unwrap(),
        content_hash: None,
        replaces: None,
        duplicate_of: None,
        sealed_url: sent.sealed_url,
        sealed_metadata: sent.sealed_metadata,
    };
    facts(&app, topic, &[("camp123", evidence, shown.into())]).await;
    let path = format!("/api/v1/evidence/{evidence}");
    let is_read = async |expected: Value| {
        for who in [partner123(), brand("brand1"), operator()] {
            let (_, one) = app.get(&path, &who).await;
            let (_, list) = app.get("/api/v1/evidence", &who).await;
            for seen in [&one, &list["items"][0]] {
                assert_eq!(seen["metadata"], expected, "{seen}");
            }
        }
    };
    is_read(json!({"note": NOTE})).await;
    for stranger in [partner("partner456"), brand("brand2")] {
        let (status, _) = app.get(&path, &stranger).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    assert_eq!(app.tables_holding(NOTE).await, [""; 0]);

    let erased = PartnerErasedV1 {}.into();
    facts(&app, topic, &[("partner123", "partner123", erased)]).await;
    is_read(Value::Null).await;
    app.stop().await;
}

#[tokio::test]
async fn an_erasure_that_a_restored_campaign_decides_again_leaves_what_was_made_since() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    let (command, other) = (Uuid::now_v7(), Uuid::now_v7());
    let erased = async |cause: Uuid, epoch, sequence| {
        let body = PartnerErasedV1 {}.into();
        let mut event = message(topic, "partner123", "partner123", body, Some(sequence));
        event.header.id = ids::event_id("campaign", epoch, cause, 0);
        event.header.epoch = Some(epoch);
        event.header.causation_id = Some(cause);
        for answer in app.deliver_all(topic, vec![event]).await {
            assert_eq!(answer.name(), "done");
        }
    };
    let kept = async || {
        let keys = rows(app.pool(), "personal_keys").await;
        (keys, rows(app.pool(), "erased_partners").await)
    };
    erased(command, 1, 1).await;
    let accept = json!({"source": "campaign", "epoch": 2, "reason": "a test"});
    let path = "/api/v1/operator/bff/epoch/accept";
    let (status, body) = app.post(path, &operator(), &accept).await;
    assert!(status.is_success(), "{body}");
    let known = json!({"name": "Somebody"});
    let own = "/api/v1/partners/partner123";
    app.patch(own, &partner123(), &known).await;
    let before = kept().await;
    assert_eq!(before.0.len(), 1);
    erased(command, 2, 1).await;
    assert_eq!(kept().await, before);
    // Another one is no repetition.
    erased(other, 2, 2).await;
    assert_eq!(kept().await.0, [""; 0]);
    app.stop().await;
}
