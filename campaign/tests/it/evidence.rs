//! Evidence, from its submission to what its brand says of it.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use messaging::Answer;
use runtime::testing::{self, TestService};
use schemas::{Actor, Body, Message, SubmitEvidenceV1, Topic};
use sealing::texts;
use serde_json::{Value, json};
use types::{CampaignId, EvidenceId, PartnerId};

use crate::app::{self, CAMPAIGNS, EVIDENCE};

fn show(url: &str) -> Value {
    json!({"campaign_id": "camp1", "evidence_type": "photo", "file_url": url})
}

/// `camp1` of `brand1`, with these partners in it.
async fn joined(partners: &[&str]) -> TestService {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    for who in partners {
        let (path, token) = (format!("{CAMPAIGNS}/camp1/accept"), testing::partner(who));
        app::post(&service, &path, &token, &app::yes(), StatusCode::CREATED).await;
    }
    service
}

async fn decide(service: &TestService, id: &str, what: &str, reason: Option<&str>) -> Value {
    let mut body = json!({"campaign_id": "camp1"});
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    let path = format!("{EVIDENCE}/{id}/{what}");
    app::post(
        service,
        &path,
        &testing::brand("brand1"),
        &body,
        StatusCode::OK,
    )
    .await
}

async fn list(service: &TestService, query: &str, token: &str) -> Vec<String> {
    let page = app::get(service, &format!("{EVIDENCE}?{query}"), token).await;
    let items = page["items"].as_array().unwrap().iter();
    let id = |item: &Value| item["evidence_id"].as_str().unwrap().to_owned();
    items.map(id).collect()
}

#[tokio::test]
async fn evidence_is_returned_shown_again_and_approved_or_rejected_and_its_partner_reads_why() {
    let service = joined(&["partner1", "partner2"]).await;
    let (one, two) = (testing::partner("partner1"), testing::partner("partner2"));
    let shown = async |token: &str, body: &Value| {
        let made = app::post(&service, EVIDENCE, token, body, StatusCode::CREATED).await;
        made["evidence_id"].as_str().unwrap().to_owned()
    };
    let first = shown(&one, &show("https://a.example/1.jpg")).await;
    let returned = decide(&service, &first, "return", Some("file_unreadable")).await;
    assert_eq!(
        (
            &returned["status"],
            &returned["reason"],
            &returned["partner_id"]
        ),
        (
            &json!("returned"),
            &json!("file_unreadable"),
            &json!("partner1")
        )
    );
    let seen = app::get(&service, &format!("{EVIDENCE}/{first}"), &one).await;
    assert_eq!(
        (&seen["status"], &seen["reason"]),
        (&json!("returned"), &json!("file_unreadable"))
    );
    // The file was mended where it lies: it keeps its id and its place.
    assert_eq!(shown(&one, &show("https://a.example/1.jpg")).await, first);
    decide(&service, &first, "return", Some("needs_more_detail")).await;
    let mut other = show("https://a.example/2.jpg");
    other["replaces"] = json!(first);
    let second = shown(&one, &other).await;
    let approved = decide(&service, &second, "approve", None).await;
    assert_eq!(approved["status"], "approved");
    let path = format!("{EVIDENCE}/{second}/reject");
    let body = json!({"campaign_id": "camp1", "reason": "other"});
    let brand = testing::brand("brand1");
    let twice = app::post(&service, &path, &brand, &body, StatusCode::CONFLICT).await;
    assert_eq!(twice["code"], "evidence_decided");
    let third = shown(&two, &show("https://a.example/3.jpg")).await;
    decide(&service, &third, "reject", Some("terms_violated")).await;

    for (query, expected) in [
        ("status=approved", vec![&second]),
        ("status=returned", vec![&first]),
        ("status=rejected", vec![&third]),
        ("status=submitted", vec![]),
        ("partner_id=partner1", vec![&second, &first]),
    ] {
        let found = list(&service, query, &brand).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (path, token) in [
        (&third, &one),
        (&first, &two),
        (&first, &testing::brand("brand2")),
    ] {
        let (status, _) = service.get(&format!("{EVIDENCE}/{path}"), token).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let tables = ["campaigns", "enrollments", "evidence"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn the_same_file_is_recognised_by_address_or_content_in_one_batch_and_over_batches() {
    let service = joined(&["partner1", "partner2", "partner3"]).await;
    let (content, other) = ("0a".repeat(32), "0b".repeat(32));
    let body = |url: &str, content: &str| {
        let mut body = show(url);
        body["content_hash"] = json!(content);
        body
    };
    let submit = async |who: &str, body: Value| {
        let token = testing::partner(who);
        app::post(&service, EVIDENCE, &token, &body, StatusCode::CREATED).await
    };
    let first = submit("partner1", body("https://a.example/1.jpg", &content)).await;
    assert_eq!(first["duplicate_of"], Value::Null);
    let (by_address, by_content) = tokio::join!(
        submit("partner2", body("https://a.example/1.jpg", &other)),
        submit("partner3", body("https://b.example/9.jpg", &content)),
    );
    let brand = testing::brand("brand1");
    for (duplicate, partner) in [(&by_address, "partner2"), (&by_content, "partner3")] {
        assert_eq!(duplicate["status"], "submitted", "the brand decides");
        let path = format!("{EVIDENCE}/{}", duplicate["evidence_id"].as_str().unwrap());
        let (_, brands) = service.get(&path, &brand).await;
        assert_eq!(brands["duplicate_of"], first["evidence_id"]);
        // Who it was that showed it first is not for the next one to know.
        let (_, own) = service.get(&path, &testing::partner(partner)).await;
        assert_eq!(own["duplicate_of"], Value::Null);
        assert_eq!(duplicate["duplicate_of"], Value::Null);
    }
    // What two show at once: one of them is the first.
    let (left, right) = tokio::join!(
        submit("partner2", show("https://a.example/2.jpg")),
        submit("partner3", show("https://a.example/2.jpg")),
    );
    let later = list(&service, "duplicates=true", &brand).await;
    let of_both = [&left, &right].map(|it| it["evidence_id"].as_str().unwrap().to_owned());
    assert_eq!(later.iter().filter(|id| of_both.contains(id)).count(), 1);
    assert_eq!(list(&service, "duplicates=true", &brand).await.len(), 3);
    assert_eq!(list(&service, "duplicates=false", &brand).await.len(), 2);
    service.stop().await;
}

/// A partner's command that shows a photo of this content for `camp1`.
fn showing(partner: &str, url: &str, content: &str) -> Message {
    let campaign = CampaignId::parse("camp1").unwrap();
    let id = EvidenceId::of(&campaign, &PartnerId::parse(partner).unwrap(), "photo", url);
    let body = Body::SubmitEvidenceV1(SubmitEvidenceV1 {
        partner_id: partner.to_owned(),
        evidence_type: "photo".to_owned(),
        file_url: url.to_owned(),
        content_hash: Some(content.repeat(32)),
        ..SubmitEvidenceV1::default()
    });
    let topic = Topic::CampaignCommands;
    let mut message = testing::message(topic, "camp1", id.as_str(), body, None);
    message.header.actor = Some(Actor {
        subject: partner.to_owned(),
        roles: vec!["partner".to_owned()],
        partner_id: Some(partner.to_owned()),
        brand_id: None,
    });
    message
}

/// Has commands handled in one batch; the ids of their evidence.
async fn shown_at_once<const N: usize>(
    service: &TestService,
    commands: [Message; N],
) -> [String; N] {
    let ids = commands.each_ref().map(|it| it.header.subject.clone());
    let topic = Topic::CampaignCommands;
    let answers = service.deliver_all(topic, commands.into()).await;
    let done = |answer: &Answer| matches!(answer, Answer::Done(_));
    assert!(answers.iter().all(done), "{answers:?}");
    ids
}

async fn duplicate_of(service: &TestService, id: &str) -> Value {
    let path = format!("{EVIDENCE}/{id}");
    app::get(service, &path, &testing::brand("brand1")).await["duplicate_of"].clone()
}

#[tokio::test]
async fn evidence_that_is_shown_again_with_another_content_is_the_first_of_that_in_one_batch_as_in_two()
 {
    let service = joined(&["partner1", "partner2", "partner3"]).await;
    for (run, at_once) in [("1", true), ("2", false)] {
        let url = |number: u8| format!("https://a.example/{run}/{number}.jpg");
        let show = |partner: &str, number: u8, content: &str| {
            showing(partner, &url(number), &format!("{run}{content}"))
        };
        let both = async |first: Message, second: Message| {
            if at_once {
                return shown_at_once(&service, [first, second]).await;
            }
            let [first] = shown_at_once(&service, [first]).await;
            let [second] = shown_at_once(&service, [second]).await;
            [first, second]
        };
        // Nobody has the first content any more.
        let [first] = shown_at_once(&service, [show("partner1", 1, "a")]).await;
        decide(&service, &first, "return", Some("file_unreadable")).await;
        let [_, second] = both(show("partner1", 1, "b"), show("partner2", 2, "a")).await;
        assert_eq!(duplicate_of(&service, &second).await, Value::Null, "{run}");
        // Somebody still has it.
        decide(&service, &second, "return", Some("file_unreadable")).await;
        let [third] = shown_at_once(&service, [show("partner3", 3, "a")]).await;
        assert_eq!(duplicate_of(&service, &third).await, json!(second));
        let [_, fourth] = both(show("partner2", 2, "c"), show("partner1", 4, "a")).await;
        assert_eq!(duplicate_of(&service, &fourth).await, json!(third), "{run}");
        // The earlier one has the content of the later.
        let [fifth] = shown_at_once(&service, [show("partner1", 5, "d")]).await;
        let [sixth] = shown_at_once(&service, [show("partner2", 6, "e")]).await;
        for returned in [&fifth, &sixth] {
            decide(&service, returned, "return", Some("file_unreadable")).await;
        }
        let [_, sixth] = both(show("partner1", 5, "e"), show("partner2", 6, "e")).await;
        assert_eq!(duplicate_of(&service, &sixth).await, json!(fifth), "{run}");
    }
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &["evidence"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn where_a_file_lies_and_what_terms_say_is_in_events_for_our_services_alone() {
    let service = joined(&["partner1"]).await;
    let token = testing::partner("partner1");
    let url = "https://a.example/somebody-in-person.jpg";
    let notes = r#"{"note":"somebody-in-person"}"#;
    let mut body = show(url);
    body["metadata"] = serde_json::from_str(notes).unwrap();
    app::post(&service, EVIDENCE, &token, &body, StatusCode::CREATED).await;
    let mut opened = Vec::new();
    for message in service.log().await {
        match &message.body {
            Body::EvidenceSubmittedV1(shown) => {
                let evidence = message.header.subject.parse().unwrap();
                let of = [
                    texts::of_evidence(&evidence),
                    texts::of_evidences_notes(&evidence),
                ];
                let sealed = [
                    shown.sealed_url.as_deref(),
                    shown.sealed_metadata.as_deref(),
                ];
                let keys = service.host.personal_keys(sealed).await.unwrap();
                let both = of.iter().zip(sealed);
                opened.extend(both.filter_map(|(of, sealed)| keys.open(of, sealed?)));
            }
            Body::TermsPublishedV1(terms) => {
                let campaign = message.header.subject.parse().unwrap();
                let of = texts::of_terms(&campaign);
                opened.extend(texts::open(&of, terms.sealed_text.as_deref().unwrap()));
            }
            _ => {}
        }
    }
    assert_eq!(
        opened,
        ["Be honest.\nSay that it is advertising.", url, notes]
    );
    let plain: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pipeline.message_log
          WHERE position($1::bytea IN body) > 0 OR position($2::bytea IN body) > 0",
    )
    .bind(b"somebody-in-person".as_slice())
    .bind(b"it is advertising".as_slice())
    .fetch_one(service.pool())
    .await
    .unwrap();
    assert_eq!(plain, 0);
    service.stop().await;
}

#[tokio::test]
async fn notes_that_no_edge_sealed_are_shown_here_and_stand_in_no_event() {
    let service = joined(&["partner1"]).await;
    let mut command = showing("partner1", "https://a.example/1.jpg", "0a");
    if let Body::SubmitEvidenceV1(wire) = &mut command.body {
        wire.metadata = Some(r#"{"note":"by hand"}"#.to_owned());
    }
    let [id] = shown_at_once(&service, [command]).await;
    // As if they were sealed.
    let mut open = showing("partner1", "https://a.example/2.jpg", "0b");
    open.header.source = "a_producer".to_owned();
    open.header.actor = None;
    if let Body::SubmitEvidenceV1(wire) = &mut open.body {
        wire.sealed_metadata = Some(br#"{"note":"by hand"}"#.to_vec());
    }
    let topic = Topic::CampaignCommands;
    let answers = service.deliver_all(topic, vec![open]).await;
    let pointer = match &answers[..] {
        [Answer::Rejected { pointer, .. }] => pointer.as_deref(),
        _ => None,
    };
    assert_eq!(pointer, Some("/metadata"), "{answers:?}");
    let path = format!("{EVIDENCE}/{id}");
    let seen = app::get(&service, &path, &testing::brand("brand1")).await;
    assert_eq!(seen["metadata"], json!({"note": "by hand"}));
    let log = service.log().await.into_iter();
    let notes = log.filter_map(|message| match message.body {
        Body::EvidenceSubmittedV1(shown) => Some(shown.sealed_metadata),
        _ => None,
    });
    assert_eq!(notes.collect::<Vec<_>>(), [None]);
    service.stop().await;
}
