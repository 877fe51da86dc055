//! Commands that come by the topic: the bff's, and those of producers who are not ours.

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{self, TestService};
use schemas::{
    AcceptV1, Actor, Body, ChangeV1, CreateGroupV1, CreateV1, Message, Plan, PublishTermsV1,
    SubmitEvidenceV1, Topic,
};
use serde_json::{Value, json};
use types::{
    BrandId, CampaignId, Currency, EnrollmentId, EvidenceId, GroupId, MAX_EARNED, Micros, Money,
    PartnerId,
};
use uuid::Uuid;

use crate::app::{self, CAMPAIGNS};
use crate::programme::in_seconds;

fn actor(role: &str, id: &str) -> Actor {
    let is = |name: &str| (role == name).then(|| id.to_owned());
    Actor {
        subject: id.to_owned(),
        roles: vec![role.to_owned()],
        partner_id: is("partner"),
        brand_id: is("brand"),
    }
}

fn command(sequence: i64, key: &str, subject: &str, actor: Actor, body: Body) -> Message {
    let topic = Topic::CampaignCommands;
    let mut message = testing::message(topic, key, subject, body, Some(sequence));
    message.header.actor = Some(actor);
    message
}

fn accept(sequence: i64, partner: &str) -> Message {
    let campaign = CampaignId::parse("camp1").unwrap();
    let enrollment = EnrollmentId::of(&campaign, &PartnerId::parse(partner).unwrap());
    let body = Body::AcceptV1(AcceptV1 {
        partner_id: partner.to_owned(),
        metadata: Some(r#"{"source":"mobile_app"}"#.to_owned()),
        ..AcceptV1::default()
    });
    command(
        sequence,
        "camp1",
        enrollment.as_str(),
        actor("partner", partner),
        body,
    )
}

/// The same from a producer of `brand1`.
fn by_a_shop(mut message: Message) -> Message {
    "shop-of-brand1".clone_into(&mut message.header.source);
    message.header.actor = Some(Actor {
        subject: "producer:shop-of-brand1".to_owned(),
        ..actor("brand", "brand1")
    });
    message
}

async fn deliver(service: &TestService, messages: Vec<Message>) -> Vec<Answer> {
    service.deliver_all(Topic::CampaignCommands, messages).await
}

fn code(answer: &Answer) -> &str {
    match answer {
        Answer::Rejected { code, .. } => code,
        _ => "",
    }
}

#[tokio::test]
async fn twins_in_one_entry_have_one_effect_whether_they_share_an_id_or_only_a_meaning() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let first = accept(1, "partner1");
    let mut same_id = accept(2, "partner1");
    same_id.header.id = first.header.id;
    let same_meaning = accept(3, "partner1");
    let correlation = first.header.correlation_id;
    let answers = deliver(&service, vec![first, same_id, same_meaning]).await;
    assert!(matches!(answers[0], Answer::Done(_)), "{answers:?}");
    assert!(matches!(answers[1], Answer::Repeated), "{answers:?}");
    assert_eq!(code(&answers[2]), "already_accepted");

    let log = service.log().await;
    let kinds = log.iter().map(|message| message.header.kind.as_str());
    let kinds: Vec<_> = kinds.skip(3).collect();
    assert_eq!(kinds, ["enrollment.accepted.v1", "command.rejected.v1"]);
    assert_eq!(log[3].header.correlation_id, correlation);
    let notes = testing::rows(service.pool(), "acceptance_metadata").await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("mobile_app"));
    service.stop().await;
}

#[tokio::test]
async fn who_names_no_version_and_had_to_wait_accepts_no_terms_that_came_into_force_meanwhile() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let (path, brand) = (format!("{CAMPAIGNS}/camp1/terms"), testing::brand("brand1"));
    let mut body = app::terms();
    body["effective_at"] = json!(in_seconds(3_600));
    app::post(&service, &path, &brand, &body, StatusCode::CREATED).await;
    let answers = deliver(&service, vec![accept(1, "partner1")]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");

    let waited = vec![accept(2, "partner1"), accept(3, "partner2")];
    service.advance_clock(3_700).await;
    let answers = deliver(&service, waited).await;
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert_eq!(codes, ["already_accepted", "terms_version_stale"]);
    service.stop().await;
}

#[tokio::test]
async fn a_whole_campaign_in_one_entry_is_decided_message_by_message() {
    let service = app::start().await;
    let brand = || actor("brand", "brand1");
    let create = Body::CreateV1(CreateV1 {
        brand_id: "brand1".to_owned(),
        name: "Spring shoes".to_owned(),
        currency: "USD".to_owned(),
        allowed_hosts: vec!["shop.example.com".to_owned()],
        fallback_url: None,
        join: None,
        description: None,
        landing_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
        budget: None,
    });
    let terms = Body::PublishTermsV1(PublishTermsV1 {
        text: "Be honest.".to_owned(),
        window_days: 30,
        plan: Plan {
            sale_bps: Some(1000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: None,
            hold_days: 0,
        },
        effective_at: None,
    });
    let activate = Body::ActivateV1(schemas::ActivateV1 {});
    let messages = vec![
        command(1, "camp1", "camp1", brand(), create),
        command(2, "camp1", "camp1", brand(), activate.clone()),
        command(3, "camp1", "camp1", brand(), terms.clone()),
        command(4, "camp1", "camp1", brand(), terms),
        command(5, "camp1", "camp1", brand(), activate),
        accept(6, "partner1"),
    ];
    let answers = deliver(&service, messages).await;
    assert_eq!(code(&answers[1]), "terms_not_published");
    let done = answers.iter().filter(|a| matches!(a, Answer::Done(_)));
    assert_eq!(done.count(), 5, "{answers:?}");
    let path = format!("{CAMPAIGNS}/camp1");
    let campaign = app::get(&service, &path, &testing::brand("brand1")).await;
    assert_eq!(campaign["status"], "active");
    assert_eq!(campaign["terms_version"], 2);
    service.stop().await;
}

#[tokio::test]
async fn what_no_edge_of_ours_would_send_is_refused_and_changes_nothing() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let elsewhere = "enr_of_somebody_else";
    let mut other_subject = accept(1, "partner1");
    other_subject.header.subject = elsewhere.to_owned();
    let mut bad_metadata = accept(2, "partner1");
    if let Body::AcceptV1(wire) = &mut bad_metadata.body {
        wire.metadata = Some("[not an object]".to_owned());
    }
    let campaign = CampaignId::parse("camp1").unwrap();
    let partner = PartnerId::parse("partner1").unwrap();
    let url = "file:///etc/passwd";
    let evidence = EvidenceId::of(&campaign, &partner, "photo", url);
    let body = Body::SubmitEvidenceV1(SubmitEvidenceV1 {
        partner_id: "partner1".to_owned(),
        evidence_type: "photo".to_owned(),
        file_url: url.to_owned(),
        ..SubmitEvidenceV1::default()
    });
    let bad_url = command(
        3,
        "camp1",
        evidence.as_str(),
        actor("partner", "partner1"),
        body,
    );
    // Whose address was sealed elsewhere, nobody here can hold against its id.
    let sealed = Body::SubmitEvidenceV1(SubmitEvidenceV1 {
        partner_id: "partner1".to_owned(),
        evidence_type: "photo".to_owned(),
        sealed_url: Some(vec![1; 40]),
        url_hash: Some("0a".repeat(32)),
        ..SubmitEvidenceV1::default()
    });
    let evidence = evidence.as_str();
    let by = actor("partner", "partner1");
    let mut twice = command(4, "camp1", evidence, by, sealed.clone());
    if let Body::SubmitEvidenceV1(wire) = &mut twice.body {
        wire.file_url = "https://a.example/1.jpg".to_owned();
    }
    // No list could write it.
    let ends = Body::ChangeV1(ChangeV1 {
        ends_at: Some(Micros(i64::MAX)),
        ..ChangeV1::default()
    });
    let never = command(5, "camp1", "camp1", actor("brand", "brand1"), ends);
    let sent = vec![other_subject, bad_metadata, bad_url, twice, never];
    let mut answers = deliver(&service, sent).await;
    let topic = Topic::CampaignCommands;
    let of_a_shop = testing::message(topic, "camp1", evidence, sealed, None);
    answers.extend(deliver(&service, vec![by_a_shop(of_a_shop)]).await);
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert_eq!(codes, ["unreadable"; 6]);
    for table in [
        "enrollments",
        "evidence",
        "acceptance_metadata",
        "evidence_files",
    ] {
        assert_eq!(
            testing::rows(service.pool(), table).await,
            [""; 0],
            "{table}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_producer_makes_groups_of_its_own_commands_ids_and_takes_no_other_brands_default_one() {
    let service = app::start().await;
    let create = |subject: Option<&GroupId>| {
        let topic = Topic::CampaignCommands;
        let body = Body::CreateGroupV1(CreateGroupV1 {
            name: "Gold".to_owned(),
            link_limit: Some(0),
        });
        let mut message = testing::message(topic, "brand1", "", body, None);
        let own = GroupId::of_command(message.header.id);
        message.header.subject = subject.unwrap_or(&own).to_string();
        by_a_shop(message)
    };
    let default = GroupId::default_of(&BrandId::parse("brand2").unwrap());
    let answers = deliver(&service, vec![create(Some(&default)), create(None)]).await;
    assert_eq!(code(&answers[0]), "unreadable");
    assert!(matches!(answers[1], Answer::Done(_)), "{answers:?}");

    let brand = testing::brand("brand2");
    app::active_campaign_of(&service, &brand, "camp2").await;
    let groups = app::get(&service, "/api/v1/campaign/groups", &brand).await;
    let groups = groups["items"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(
        (&groups[0]["group_id"], &groups[0]["link_limit"]),
        (&json!(default.as_str()), &Value::Null)
    );
    service.stop().await;
}

#[tokio::test]
async fn terms_by_which_a_conversion_earns_too_much_are_not_published() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let terms = |sequence, minor| {
        let terms = PublishTermsV1 {
            text: "Be honest.".to_owned(),
            window_days: 30,
            plan: Plan {
                sale_bps: None,
                sale_flat: None,
                lead_bps: None,
                lead_flat: Some(Money::new(minor, Currency::USD).into()),
                hold_days: 0,
            },
            effective_at: None,
        };
        let by = actor("brand", "brand1");
        command(sequence, "camp1", "camp1", by, terms.into())
    };
    let answers = deliver(
        &service,
        vec![terms(1, MAX_EARNED + 1), terms(2, MAX_EARNED)],
    );
    let answers = answers.await;
    assert_eq!(code(&answers[0]), "unreadable");
    assert!(matches!(answers[1], Answer::Done(_)), "{answers:?}");
    service.stop().await;
}

#[tokio::test]
async fn an_operators_word_counts_from_the_bff_only_and_the_systems_not_at_all() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let anothers = |actor: Option<Actor>| {
        let mut message = accept(1, "partner1");
        message.header.id = Uuid::now_v7();
        message.header.source = "a-stranger".to_owned();
        (message.header.epoch, message.header.sequence) = (None, None);
        message.header.actor = actor;
        message
    };
    let refused = vec![anothers(Some(actor("operator", "op"))), anothers(None)];
    let answers = deliver(&service, refused).await;
    let codes: Vec<_> = answers.iter().map(code).collect();
    // A producer's key alone says who asks: its brand, which is not that partner.
    assert_eq!(codes, ["not_permitted", "partner_unknown"]);
    let mut from_the_bff = accept(1, "partner1");
    from_the_bff.header.actor = Some(actor("operator", "op"));
    let answers = deliver(&service, vec![from_the_bff]).await;
    assert!(matches!(answers[0], Answer::Done(_)), "{answers:?}");
    let accept = format!("{CAMPAIGNS}/camp1/accept");
    let token = testing::partner("partner1");
    app::post(&service, &accept, &token, &app::yes(), StatusCode::CONFLICT).await;
    service.stop().await;
}
