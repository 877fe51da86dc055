//! Tokens that open nothing, shown to real services over HTTP.

pub(crate) mod forge;
mod public_keys;
mod table;

use axum::http::StatusCode;
use chassis::auth::Claims;
use reqwest::Response;
use runtime::testing::{TestService, claims, mint, operator};
use serde_json::{Value, json};

use forge::{HEADER, good, header, ours, with};

const AT_THE_BFF: &str = "/api/v1/commands";
const AT_CAMPAIGN: &str = "/api/v1/campaign/campaigns";
const WATERMARKS: &str =
    "/internal/v1/watermarks?epoch=1&topic=commission-events&partition=0&mode=http";
const RESENDS: &str = "/internal/v1/resends?topic=payment-commands&partition=0&epoch=1&sequence=0";

async fn show(service: &TestService, path: &str, authorization: &[u8]) -> Response {
    let url = format!("{}{path}", service.base_url);
    let value = reqwest::header::HeaderValue::from_bytes(authorization).unwrap();
    let request = service.client.get(url).header("authorization", value);
    request.send().await.unwrap()
}

async fn bear(service: &TestService, path: &str, token: &str) -> Response {
    show(service, path, format!("Bearer {token}").as_bytes()).await
}

/// What is wrong with how a token was refused.
async fn misjudged(answer: Response, token: &str) -> Option<String> {
    let status = answer.status();
    let challenge = answer.headers().get("www-authenticate").cloned();
    let body = answer.text().await.unwrap();
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    let claims = token.split('.').nth(1).filter(|part| part.len() > 8);
    let challenged = challenge.is_some_and(|it| it.to_str().unwrap().contains("invalid_token"));
    if status != StatusCode::UNAUTHORIZED || problem["code"] != "unauthorized" {
        Some(format!("{status} {body}"))
    } else if !challenged {
        Some("401 without the challenge that RFC 6750 asks for".to_owned())
    } else if body.contains("mallory") || claims.is_some_and(|claims| body.contains(claims)) {
        Some(format!("the answer repeats the token: {body}"))
    } else {
        None
    }
}

async fn hold(service: &TestService, path: &str) {
    assert_eq!(
        bear(service, path, &operator()).await.status(),
        StatusCode::OK
    );
    let mut wrong = Vec::new();
    let rows = table::rows();
    assert!(rows.len() > 120, "only {}", rows.len());
    for row in rows {
        let answer = bear(service, path, &row.token).await;
        if let Some(what) = misjudged(answer, &row.token).await {
            wrong.push(format!("{} {}: {what}", row.section, row.what));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_bff_refuses_what_rfc_8725_warns_of() {
    let bff = TestService::start(bff::define).await;
    hold(&bff, AT_THE_BFF).await;
}

#[tokio::test]
async fn a_service_refuses_what_rfc_8725_warns_of() {
    let campaign = TestService::start(campaign::define).await;
    hold(&campaign, AT_CAMPAIGN).await;
}

#[tokio::test]
async fn what_the_specification_allows_is_taken() {
    let bff = TestService::start(bff::define).await;
    let now = good()["iat"].as_u64().unwrap();
    for (what, token) in [
        (
            "several audiences",
            ours(HEADER, with("aud", json!(["others", "tributary"]))),
        ),
        ("no typ", ours(r#"{"alg":"HS256"}"#, good().to_string())),
        (
            "typ of RFC 9068",
            ours(&header("typ", json!("at+jwt")), good().to_string()),
        ),
        (
            "typ in small letters",
            ours(&header("typ", json!("jwt")), good().to_string()),
        ),
        (
            "half a minute over",
            ours(HEADER, with("exp", json!(now - 30))),
        ),
        (
            "half a minute early",
            ours(HEADER, with("nbf", json!(now + 30))),
        ),
        (
            "a claim that means nothing here",
            ours(HEADER, with("scope", json!("all"))),
        ),
        (
            "a name for the only key",
            ours(&header("kid", json!("k1")), good().to_string()),
        ),
    ] {
        let answer = bear(&bff, AT_THE_BFF, &token).await;
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
    }
}

#[tokio::test]
async fn a_token_is_shown_in_one_way_only() {
    let bff = TestService::start(bff::define).await;
    let good = operator();
    let long = format!("Bearer {}", "a".repeat(20_000));
    let shown: [&[u8]; 8] = [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic dTpw",
        good.as_bytes(),
        b"Bearer \xff\xfe",
        b"Bearer\tx",
        long.as_bytes(),
    ];
    for authorization in shown {
        let answer = show(&bff, AT_THE_BFF, authorization).await;
        assert_eq!(
            answer.status(),
            StatusCode::UNAUTHORIZED,
            "{authorization:?}"
        );
    }
    for path in ["?access_token=", "?token=", "?jwt="] {
        let url = format!("{}{AT_THE_BFF}{path}{good}", bff.base_url);
        let answer = bff.client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let in_a_cookie = bff.client.get(format!("{}{AT_THE_BFF}", bff.base_url));
        let answer = in_a_cookie.header("cookie", format!("token={good}"));
        assert_eq!(
            answer.send().await.unwrap().status(),
            StatusCode::UNAUTHORIZED
        );
    }
}

/// Whatever opens the routes of people does not open the transport between services, and a service's token not another's.
#[tokio::test]
async fn the_transport_between_services_refuses_what_rfc_8725_warns_of() {
    let payment_like = TestService::start(bff::define).await;
    let between = |from: &str, to: &str| mint(&Claims::new(from, from, to, 60));
    let answer = bear(&payment_like, WATERMARKS, &between("commission", "bff")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut forged: Vec<(String, String)> = table::rows()
        .into_iter()
        .map(|row| (format!("{} {}", row.section, row.what), row.token))
        .filter(|(what, _)| what != "3.12 a service's token for bff")
        .collect();
    let mut long_ago = Claims::new("commission", "commission", "bff", 60);
    long_ago.exp = 1_000_000_000;
    for (what, token) in [
        ("an operator's", operator()),
        ("a nobody's", mint(&claims("nobody"))),
        ("for another service", between("commission", "tracking")),
        ("of no service", between("nobody", "bff")),
        (
            "of a service by its sub only",
            mint(&Claims::new("commission", "tributary", "bff", 60)),
        ),
        ("over", mint(&long_ago)),
    ] {
        forged.push((what.to_owned(), token));
    }
    let mut wrong = Vec::new();
    for (what, token) in forged {
        let messages = format!("{}/internal/v1/messages", payment_like.base_url);
        let post = payment_like.client.post(messages).bearer_auth(&token);
        let resends = format!("{}{RESENDS}", payment_like.base_url);
        let again = payment_like.client.post(resends).bearer_auth(&token);
        let related = format!("{}/internal/v1/related", payment_like.base_url);
        let ask = payment_like.client.post(related).bearer_auth(&token);
        let statuses = [
            bear(&payment_like, WATERMARKS, &token).await.status(),
            post.body("x").send().await.unwrap().status(),
            again.send().await.unwrap().status(),
            ask.body("{}").send().await.unwrap().status(),
        ];
        if statuses != [StatusCode::UNAUTHORIZED; 4] {
            wrong.push(format!("{what}: {statuses:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
