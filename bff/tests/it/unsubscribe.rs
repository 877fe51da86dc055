//! Where the links of mails lead that end such mails: open to whoever has one, and to nobody else.

use std::collections::BTreeSet;
use std::time::Instant;

use api::unsubscribe::Unsubscribe;
use axum::http::StatusCode;
use futures::future::join_all;
use reqwest::{Method, Response};
use runtime::testing::{TestService, unmade_database, variables};
use schemas::{Body, Message, Service};
use types::{BrandId, ContactId, MailGroup, Uuid};

use crate::app::bff;

fn link(group: MailGroup) -> Unsubscribe {
    Unsubscribe {
        contact: ContactId::of_brand(&BrandId::parse("brand1").unwrap()),
        address: Uuid::from_u128(7),
        group,
    }
}

async fn ask(app: &TestService, method: Method, path: &str) -> Response {
    let url = format!("{}/unsubscribe/{path}", app.base_url);
    app.client.request(method, url).send().await.unwrap()
}

/// The commands that links became.
async fn commands(app: &TestService) -> Vec<Message> {
    let log = app.log().await.into_iter();
    log.filter(|it| it.header.kind == "notify.unsubscribe.command.v1")
        .collect()
}

#[tokio::test]
async fn a_look_changes_nothing_and_shows_a_page_without_scripts_in_the_language_of_the_mail() {
    let app = bff().await;
    let token = link(MailGroup::Earnings).token();
    for (path, words) in [
        (token.clone(), "Your address is sent mails about claims"),
        (
            format!("{token}?language=de&utm_source=x"),
            "Ihre Adresse bekommt Nachrichten zu: Ansprüche",
        ),
    ] {
        let head = ask(&app, Method::HEAD, &path).await;
        assert_eq!(head.status(), StatusCode::OK);
        let page = ask(&app, Method::GET, &path).await;
        assert_eq!(page.status(), StatusCode::OK);
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            (
                "content-security-policy",
                "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
        ] {
            assert_eq!(page.headers()[name], value);
        }
        let page = page.text().await.unwrap();
        assert!(page.contains(words), "{page}");
        assert!(page.contains("<form method=\"post\">"), "{page}");
        assert!(!page.contains("<script") && !page.contains("style"));
    }
    let wrong = ask(&app, Method::GET, &format!("{token}?language=xx")).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let refused = ask(&app, method, &token).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert!(commands(&app).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn one_click_is_taken_whatever_its_body_is_called_and_becomes_a_command_of_nobody() {
    let app = bff().await;
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    for (index, (content_type, body)) in [
        (
            Some("application/x-www-form-urlencoded"),
            "List-Unsubscribe=One-Click",
        ),
        (Some("multipart/form-data; boundary=b"), multipart),
        (Some("text/plain"), "List-Unsubscribe=One-Click"),
        (Some("application/json"), "{\"malformed\": "),
        (None, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let unsubscribe = Unsubscribe {
            address: Uuid::from_u128(u128::try_from(index).unwrap()),
            ..link(MailGroup::Programme)
        };
        let url = format!("{}/unsubscribe/{}", app.base_url, unsubscribe.token());
        let mut request = app.client.post(url).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{content_type:?}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("is sent no more mails about"), "{page}");
        let command = commands(&app).await.pop().unwrap();
        assert_eq!(command.header.subject, unsubscribe.contact.as_str());
        let actor = command.header.actor.unwrap();
        assert_eq!(
            (actor.subject.as_str(), actor.roles.len()),
            ("unsubscribe-link", 0)
        );
        let Body::UnsubscribeV1(named) = command.body else {
            panic!("{:?}", command.body);
        };
        assert_eq!(named.address_id, unsubscribe.address.to_string());
        assert_eq!(named.group, "programme");
    }
    assert_eq!(commands(&app).await.len(), 5);
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_link_of_ours_is_404_and_leaves_nothing() {
    let app = bff().await;
    let token = link(MailGroup::Earnings).token();
    let (named, signature) = token.rsplit_once('.').unwrap();
    let other = link(MailGroup::Programme).token();
    let (other, _) = other.rsplit_once('.').unwrap();
    let mut answers = BTreeSet::new();
    for wrong in [
        "x".to_owned(),
        named.to_owned(),
        format!("{other}.{signature}"),
        format!("{named}.{}", "0".repeat(64)),
        format!("{named}Bcc:%20all@example.com.{signature}"),
        "a".repeat(8_000),
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = ask(&app, method, &wrong).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
            let mut problem: serde_json::Value = answer.json().await.unwrap();
            for own in ["instance", "correlation_id"] {
                problem.as_object_mut().unwrap().remove(own);
            }
            answers.insert(problem.to_string());
        }
    }
    assert_eq!(answers.len(), 1, "nothing says why: {answers:?}");
    // As in every path.
    for control in ["%00", "%0d%0aBcc:%20all@example.com"] {
        let path = format!("{token}{control}");
        let answer = ask(&app, Method::POST, &path).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert!(commands(&app).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_link_that_is_used_a_thousand_times_is_one_command_a_minute() {
    let app = bff().await;
    let token = link(MailGroup::Earnings).token();
    let since = Instant::now();
    for _ in 0..100 {
        let at_once = (0..10).map(|_| ask(&app, Method::POST, &token));
        for answer in join_all(at_once).await {
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }
    let count = commands(&app).await.len() as u64;
    // As many minutes as passed may have ended meanwhile, and one more.
    let most = since.elapsed().as_secs() / 60 + 2;
    assert!((1..=most).contains(&count), "{count} of {most} at most");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_uses_links_too_often_gets_429() {
    let mut variables = variables(Service::Bff, &unmade_database());
    for (name, value) in [
        ("ADDRESS_RATE_LIMIT_PER_SECOND", "1"),
        ("ADDRESS_RATE_LIMIT_BURST", "3"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    let app = TestService::start_with(bff::define, variables).await;
    // At once: one goes by for each second.
    let at_once = (0..60).map(|_| ask(&app, Method::POST, "x"));
    let mut answers = join_all(at_once).await;
    answers.retain(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    assert!(!answers.is_empty(), "one of them was too many");
    for answer in answers {
        assert!(answer.headers().contains_key("retry-after"));
    }
    app.stop().await;
}
