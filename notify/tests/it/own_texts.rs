//! Brands' own texts of mails: written, shown, used, and whose they are.

use axum::http::{Method, StatusCode};
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, until};
use schemas::{EnrollmentApprovedV1, Topic};
use sealing::texts;
use serde_json::{Value, json};
use types::{BrandId, MailLanguage, MailTemplateId, TermsVersion};

use crate::app;

const TEMPLATES: &str = "/api/v1/notify/mail-templates";
const APPROVED: &str = "/api/v1/notify/mail-templates/enrollment.approved.v1";

async fn ask(
    service: &TestService,
    (method, path): (Method, &str),
    token: &str,
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let url = format!("{}{path}", service.base_url);
    let request = service.client.request(method, url).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn write(service: &TestService, token: &str, language: &str, text: &str) -> Value {
    let body = json!({"subject": "Hello {{ partner_id }}", "text": text});
    let path = format!("{APPROVED}/{language}");
    let (status, answer) = ask(service, (Method::PUT, &path), token, Some(&body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn address(service: &TestService, partner: &str, language: &str) {
    let body = json!({"addresses": [{"address": "mia@example.com", "language": language}]});
    let request = (Method::PUT, "/api/v1/notify/contacts/mail");
    let token = testing::partner(partner);
    let (status, answer) = ask(service, request, &token, Some(&body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn approve(service: &mut TestService, campaign: &str, brand: &str, partner: &str) {
    let approved = EnrollmentApprovedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: brand.parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    let subject = format!("enr_{campaign}_{partner}");
    service
        .deliver(Topic::CampaignEvents, campaign, &subject, approved.into())
        .await;
}

/// The subject of the mail that a partner was sent last, once there are so many mails.
async fn subject(service: &TestService, partner: &str, count: usize) -> String {
    let operator = testing::operator();
    let list = || async {
        let path = "/api/v1/notify/mailbox";
        let list = app::get(service, path, &operator).await;
        list["items"].as_array().unwrap().clone()
    };
    until(&format!("{count} mails"), || async {
        list().await.len() >= count
    })
    .await;
    let all = list().await;
    let of = all.iter().find(|it| it["partner_id"] == partner).unwrap();
    of["subject"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_brands_own_text_is_sent_to_its_partners_in_its_language_until_ours_is_put_back_and_to_nobody_elses()
 {
    let mut service = app::start().await;
    let (mine, theirs) = (testing::brand("brand1"), testing::brand("brand2"));
    app::campaign(&mut service, "camp1", "brand1").await;
    app::campaign(&mut service, "camp2", "brand2").await;
    for (partner, language) in [("partner1", "en"), ("partner2", "de"), ("partner3", "en")] {
        address(&service, partner, language).await;
    }
    write(&service, &mine, "en", "Lovely to have you.").await;
    approve(&mut service, "camp1", "brand1", "partner1").await;
    assert_eq!(subject(&service, "partner1", 1).await, "Hello partner1");
    approve(&mut service, "camp1", "brand1", "partner2").await;
    let german = subject(&service, "partner2", 2).await;
    assert_eq!(german, "Sie nehmen an Summer teil", "ours in its language");
    approve(&mut service, "camp2", "brand2", "partner3").await;
    let others = subject(&service, "partner3", 3).await;
    assert_eq!(others, "You take part in Summer", "of a brand without text");
    approve(&mut service, "camp2", "brand2", "partner1").await;
    let others = subject(&service, "partner1", 4).await;
    assert_eq!(
        others, "You take part in Summer",
        "of that brand to the same"
    );

    let operator = testing::operator();
    let mails = app::get(&service, "/api/v1/notify/mailbox", &operator).await;
    let own = mails["items"].as_array().unwrap().iter();
    let own: Vec<_> = own.filter(|it| it["subject"] == "Hello partner1").collect();
    let text = own[0]["text"].as_str().unwrap();
    let foot = "Lovely to have you.\n\n-- \nTributary sends this";
    assert!(text.starts_with(foot), "{text}");

    let list = app::get(&service, TEMPLATES, &mine).await;
    let of = |list: &Value| {
        let items = list["items"].as_array().unwrap().iter();
        let own = items.filter(|it| it["own"] != json!([]));
        own.cloned().collect::<Vec<_>>()
    };
    let own = of(&list);
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["kind"], "enrollment.approved.v1");
    assert_eq!(own[0]["own"][0]["language"], "en");
    assert!(of(&app::get(&service, TEMPLATES, &theirs).await).is_empty());
    let one = app::get(&service, &format!("{APPROVED}/en"), &mine).await;
    assert_eq!(one["own"]["text"], "Lovely to have you.");
    assert!(one["changed_at"].is_string());
    let others = app::get(&service, &format!("{APPROVED}/en"), &theirs).await;
    assert_eq!(
        (&others["own"], &others["changed_at"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(others["ours"]["subject"], "You take part in {{ campaign }}");
    assert_eq!(
        others["variables"][2],
        json!({"name": "campaign", "sample": "Summer"})
    );
    let holding = service.tables_holding("Lovely").await;
    assert_eq!(holding, ["public.mailbox"], "it is sealed");

    let path = format!("{APPROVED}/en");
    let (status, answer) = ask(&service, (Method::DELETE, &path), &mine, None).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["event"], "mail_template.changed.v1");
    approve(&mut service, "camp3", "brand1", "partner1").await;
    let ours = subject(&service, "partner1", 5).await;
    assert_eq!(ours, "You take part in camp3");
    assert!(of(&app::get(&service, TEMPLATES, &mine).await).is_empty());
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["mail_templates"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn each_kind_that_brands_write_knows_whose_programme_it_is_about() {
    let mut service = app::start().await;
    address(&service, "partner1", "en").await;
    let golden = format!("{}/../schemas/golden/next", env!("CARGO_MANIFEST_DIR"));
    let list = app::get(&service, TEMPLATES, &testing::operator()).await;
    let kinds = list["items"].as_array().unwrap().iter();
    let kinds: Vec<String> = kinds
        .filter(|it| it["is_customizable"] == true)
        .map(|it| it["kind"].as_str().unwrap().to_owned())
        // These two are told of in steps, and of an own event: see the tests of each.
        .filter(|it| !["terms.published.v1", "workflow.completed.v1"].contains(&it.as_str()))
        .collect();
    assert_eq!(kinds.len(), 8);
    for name in &kinds {
        let kind = schemas::kind(name).unwrap();
        let path = format!("{golden}/{}/{name}.json", kind.topic.name());
        let sample = std::fs::read_to_string(path).unwrap();
        let sample: Value = serde_json::from_str(&sample).unwrap();
        let mut payload = sample["payload"][kind.field].clone();
        let name_owners = |payload: &mut Value| {
            for (field, id) in [("brand_id", "brand1"), ("partner_id", "partner1")] {
                payload[field] = id.into();
            }
        };
        name_owners(&mut payload);
        if payload["sale"].is_object() {
            name_owners(&mut payload["sale"]);
            payload.as_object_mut().unwrap().remove("brand_id");
            payload.as_object_mut().unwrap().remove("partner_id");
        }
        let body = schemas::payload(kind, &payload).unwrap();
        service
            .deliver(
                kind.topic,
                &format!("key-{name}").replace('.', "-"),
                &format!("of-{name}").replace('.', "-"),
                body,
            )
            .await;
    }
    let programmes: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT kind, programme_brand_id FROM mails ORDER BY position")
            .fetch_all(service.pool())
            .await
            .unwrap();
    let expected = kinds
        .into_iter()
        .map(|kind| (kind, Some("brand1".to_owned())));
    assert_eq!(programmes, expected.collect::<Vec<_>>());
    service.stop().await;
}

#[tokio::test]
async fn a_text_of_which_no_mail_can_be_made_is_refused_as_its_preview_says_and_changes_nothing() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let path = format!("{APPROVED}/en");
    let preview = format!("{APPROVED}/preview");
    for (body, code, pointer) in [
        (
            json!({"subject": "a", "text": "Hi\n{{ nobody }}"}),
            "mail_template_invalid",
            "/text",
        ),
        (
            json!({"subject": "a {{ nobody }}", "text": "Hi"}),
            "mail_template_invalid",
            "/subject",
        ),
        (
            json!({"subject": "a", "text": "{% for a in campaign %}b{% endfor %}"}),
            "mail_template_invalid",
            "/text",
        ),
        (
            json!({"subject": "a\r\nBcc: a@example.com", "text": "Hi"}),
            "invalid_body",
            "/subject",
        ),
        (
            json!({"subject": "a", "text": "a".repeat(4_097)}),
            "invalid_body",
            "/text",
        ),
    ] {
        for request in [(Method::PUT, &*path), (Method::POST, &*preview)] {
            let (status, answer) = ask(&service, request, &brand, Some(&body)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
            assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
            if code == "mail_template_invalid" {
                assert_eq!(answer["code"], code, "{answer}");
                let detail = answer["detail"].as_str().unwrap();
                assert!(detail.starts_with("line "), "{detail}");
            }
        }
    }
    let fit = json!({"subject": "Hello", "text": "{{ brand_id }} welcomes <b>you</b>."});
    let request = (Method::POST, format!("{preview}?language=de"));
    let (status, shown) = ask(&service, (request.0, &request.1), &brand, Some(&fit)).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    let text = shown["text"].as_str().unwrap();
    assert!(
        text.starts_with("brand1 welcomes <b>you</b>.\n\n-- \nDiese Nachricht"),
        "{text}"
    );
    let html = shown["html"].as_str().unwrap();
    assert!(html.contains("&lt;b&gt;you"), "{html}");

    let rows = testing::rows(service.pool(), "mail_templates").await;
    assert!(rows.is_empty());
    service.stop().await;
}

#[tokio::test]
async fn a_text_is_changed_by_its_brand_and_operators_alone_and_by_nobody_to_what_it_is() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let path = format!("{APPROVED}/en");
    let preview = format!("{APPROVED}/preview");
    let fit = json!({"subject": "Hello", "text": "{{ brand_id }} welcomes you."});
    let others = json!({"brand_id": "brand2", "subject": "Hello", "text": "Hi"});
    let none = json!({});
    for (request, token, body, expected) in [
        ((Method::PUT, &*path), &partner, &fit, StatusCode::FORBIDDEN),
        (
            (Method::POST, &*preview),
            &partner,
            &fit,
            StatusCode::FORBIDDEN,
        ),
        (
            (Method::PUT, &*path),
            &brand,
            &others,
            StatusCode::NOT_FOUND,
        ),
        (
            (Method::POST, &*preview),
            &brand,
            &others,
            StatusCode::NOT_FOUND,
        ),
        (
            (Method::DELETE, &*path),
            &brand,
            &json!({"brand_id": "brand2"}),
            StatusCode::NOT_FOUND,
        ),
        (
            (Method::DELETE, &*path),
            &brand,
            &none,
            StatusCode::CONFLICT,
        ),
        (
            (Method::PUT, &*path),
            &testing::operator(),
            &fit,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            (Method::PUT, &*format!("{TEMPLATES}/payout.paid.v1/en")),
            &brand,
            &fit,
            StatusCode::NOT_FOUND,
        ),
        (
            (
                Method::PUT,
                &*format!("{TEMPLATES}/enrollment.applied.v1/en"),
            ),
            &brand,
            &fit,
            StatusCode::NOT_FOUND,
        ),
    ] {
        let named = format!("{request:?} {body}");
        let (status, answer) = ask(&service, request, token, Some(body)).await;
        assert_eq!(status, expected, "{named}: {answer}");
    }
    assert!(
        testing::rows(service.pool(), "mail_templates")
            .await
            .is_empty()
    );
    let (status, answer) = ask(&service, (Method::PUT, &path), &brand, Some(&fit)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, answer) = ask(&service, (Method::PUT, &path), &brand, Some(&fit)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(answer["code"], "mail_template_unchanged");
    let operators = json!({"brand_id": "brand1", "subject": "Hello", "text": "By an operator."});
    let operator = testing::operator();
    let (status, answer) = ask(&service, (Method::PUT, &path), &operator, Some(&operators)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let shown = app::get(&service, &format!("{path}?brand_id=brand1"), &operator).await;
    assert_eq!(shown["own"]["text"], "By an operator.");
    service.stop().await;
}

#[tokio::test]
async fn where_no_mail_comes_of_a_brands_own_text_ours_is_sent() {
    let mut service = app::start().await;
    let brand = BrandId::parse("brand1").unwrap();
    address(&service, "partner1", "en").await;
    write(&service, &testing::brand("brand1"), "en", "Lovely.").await;
    // What no command lets in, such as a build before this one let in; and what was sealed with a key that is gone.
    let kind = "enrollment.approved.v1";
    let id = MailTemplateId::of(&brand, kind, MailLanguage::English);
    let loops = texts::seal(
        &texts::of_mail_texts(&id),
        "{% for it in campaign %}{{ it }}",
    );
    for (count, (campaign, sealed)) in [("camp1", loops), ("camp2", b"noise".to_vec())]
        .into_iter()
        .enumerate()
    {
        sqlx::query("UPDATE mail_templates SET sealed_text = $1")
            .bind(sealed)
            .execute(service.pool())
            .await
            .unwrap();
        approve(&mut service, campaign, "brand1", "partner1").await;
        assert_eq!(
            subject(&service, "partner1", count + 1).await,
            format!("You take part in {campaign}")
        );
    }
    service.stop().await;
}
