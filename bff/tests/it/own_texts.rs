//! Brands' own texts of mails: what is asked becomes a command, and a draft is looked at by notify.

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use runtime::testing::{TestService, brand, partner, serve, unmade_database, variables};
use schemas::{Body, Service};
use serde_json::{Value, json};
use types::{BrandId, MailLanguage, MailTemplateId};

const APPROVED: &str = "/api/v1/mail-templates/enrollment.approved.v1";

/// A bff, and in place of notify what answers with what it was asked.
async fn start() -> TestService {
    let answer = async |method: Method, uri: Uri, body: Bytes| {
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        axum::Json(json!({"request": format!("{method} {uri}"), "body": body}))
    };
    let notify = serve(Router::new().fallback(answer)).await;
    let mut variables = variables(Service::Bff, &unmade_database());
    variables.insert("NOTIFY_SERVICE_URL".to_owned(), notify);
    TestService::start_with(bff::define, variables).await
}

async fn send(app: &TestService, method: Method, path: &str, body: &Value) -> StatusCode {
    let url = format!("{}{path}", app.base_url);
    let request = app.client.request(method, url).bearer_auth(brand("brand1"));
    request.json(body).send().await.unwrap().status()
}

#[tokio::test]
async fn a_text_is_sealed_into_a_command_and_putting_ours_back_is_one_without() {
    let app = start().await;
    let path = format!("{APPROVED}/de");
    let text = json!({"subject": "Hallo", "text": "Geheime Begrüßung."});
    let status = send(&app, Method::PUT, &path, &text).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let status = send(&app, Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let brand = BrandId::parse("brand1").unwrap();
    let id = MailTemplateId::of(&brand, "enrollment.approved.v1", MailLanguage::German);
    let log = app.log().await;
    let commands = log.iter().filter_map(|message| match &message.body {
        Body::ChangeMailTemplateV1(change) => Some((message.header.subject.as_str(), change)),
        _ => None,
    });
    let commands: Vec<_> = commands.collect();
    assert_eq!(commands.len(), 2, "{log:?}");
    for (subject, change) in &commands {
        assert_eq!(*subject, id.as_str());
        let about = (&*change.brand_id, &*change.kind, &*change.language);
        assert_eq!(about, ("brand1", "enrollment.approved.v1", "de"));
    }
    assert!(commands[0].1.sealed_text.is_some());
    assert_eq!(commands[1].1.sealed_text, None);
    assert!(app.tables_holding("Geheime").await.is_empty());
    for (path, body) in [
        (
            path.as_str(),
            json!({"brand_id": "brand2", "subject": "a", "text": "b"}),
        ),
        ("/api/v1/mail-templates/nothing/de", text),
    ] {
        let status = send(&app, Method::PUT, path, &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} {body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_draft_and_what_stands_are_asked_of_notify_for_the_brand_alone() {
    let app = start().await;
    let draft = json!({"brand_id": null, "subject": "Hello", "text": "Welcome."});
    let preview = format!("{APPROVED}/preview?language=de");
    let (status, shown) = app.post(&preview, &brand("brand1"), &draft).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    let notify = "/api/v1/notify/mail-templates";
    let expected = format!("POST {notify}/enrollment.approved.v1/preview?language=de");
    assert_eq!(shown, json!({"request": expected, "body": draft}));
    let (_, shown) = app.get(&format!("{APPROVED}/en"), &brand("brand1")).await;
    let expected = format!("GET {notify}/enrollment.approved.v1/en?");
    assert_eq!(shown["request"], expected);
    let wrong = json!({"subject": "a\r\nb", "text": "Welcome."});
    let (status, _) = app.post(&preview, &brand("brand1"), &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = app.post(&preview, &partner("partner1"), &draft).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    app.stop().await;
}
