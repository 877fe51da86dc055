//! API keys at the bff: asked for, shown once, used, revoked.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use chassis::auth::NewApiKey;
use chassis::idempotency::IdempotencyKey;
use messaging::Answer;
use runtime::testing::{
    TestService, assert_within_a_second, brand, lines, message, operator, partner, until,
};
use schemas::{
    Actor, ApiKeyCreatedV1, ApiKeyRevokedV1, ApiKeyRotatedV1, Body, CreateApiKeyV1, Message, Topic,
};
use serde_json::{Value, json};
use types::ids::Asker;
use types::{ApiKeyId, ApiKeyScope};

use crate::app::{bff, calculated, deliver_outcome, facts, id, logged};
use crate::secrets::dump;

const KEYS: &str = "/api/v1/keys";

async fn ask(app: &TestService, method: &str, path: &str, token: &str) -> (StatusCode, Value) {
    let url = format!("{}{path}", app.base_url);
    let request = app.client.request(method.parse().unwrap(), url);
    let response = request.bearer_auth(token).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The event that campaign answers a command with.
fn event(command: &Message) -> Body {
    let brand_id = "brand1".parse().unwrap();
    match &command.body {
        Body::CreateApiKeyV1(it) => ApiKeyCreatedV1 {
            brand_id: it.brand_id.parse().unwrap(),
            prefix: it.prefix.clone(),
            hash: it.hash.clone(),
            scopes: it
                .scopes
                .iter()
                .filter_map(|name| ApiKeyScope::parse(name))
                .collect(),
            expires_at: it.expires_at,
        }
        .into(),
        Body::RotateApiKeyV1(it) => ApiKeyRotatedV1 {
            brand_id,
            prefix: it.prefix.clone(),
            hash: it.hash.clone(),
            scopes: vec![ApiKeyScope::ReportsRead],
            expires_at: None,
            previous_hash: None,
            previous_until: None,
        }
        .into(),
        Body::RevokeApiKeyV1(_) => ApiKeyRevokedV1 { brand_id }.into(),
        other => panic!("{other:?}"),
    }
}

/// Has campaign do what was asked.
async fn done(app: &TestService, answer: &Value) {
    let command = logged(app, id(&answer["command_id"])).await;
    let topic = Topic::CampaignEvents;
    let answered = deliver_outcome(app, topic, &command, event(&command)).await;
    assert!(matches!(answered, Answer::Done(_)), "{answered:?}");
}

/// A key of `brand1` with these scopes, made as people make one.
async fn made(app: &TestService, scopes: &[&str]) -> (String, String) {
    let body = json!({"scopes": scopes});
    let (status, answer) = app.post(KEYS, &brand("brand1"), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    done(app, &answer).await;
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("key_id"), text("secret"))
}

async fn answers(app: &TestService, key: &str, path: &str, expected: StatusCode) {
    until(expected.as_str(), || async {
        app.get(path, key).await.0 == expected
    })
    .await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_the_command_carries_its_hash_alone() {
    let app = bff().await;
    let (token, body) = (brand("brand1"), json!({"scopes": ["reports.read"]}));
    let (status, first) = app.post_with_key(KEYS, &token, "k1", &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");
    let secret = first["secret"].as_str().unwrap();
    assert!(types::is_api_key(secret));
    let command = logged(&app, id(&first["command_id"])).await;
    assert_eq!(command.header.subject, first["key_id"].as_str().unwrap());
    let Body::CreateApiKeyV1(requested) = &command.body else {
        panic!("{command:?}");
    };
    assert_eq!(requested.prefix, first["prefix"].as_str().unwrap());
    assert_eq!(requested.scopes, ["reports.read"]);

    let (status, again) = app.post_with_key(KEYS, &token, "k1", &body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(again["secret"], json!(null));
    for field in ["command_id", "key_id", "prefix"] {
        assert_eq!(again[field], first[field]);
    }
    done(&app, &first).await;
    answers(&app, secret, "/api/v1/conversions", StatusCode::OK).await;

    let rotate = format!("{KEYS}/{}/rotate", first["key_id"].as_str().unwrap());
    let (_, rotated) = app.post_with_key(&rotate, &token, "k2", &json!({})).await;
    let (_, again) = app.post_with_key(&rotate, &token, "k2", &json!({})).await;
    let newer = rotated["secret"].as_str().unwrap();
    assert_eq!(
        (&again["secret"], &again["prefix"]),
        (&json!(null), &rotated["prefix"])
    );
    done(&app, &rotated).await;
    answers(
        &app,
        secret,
        "/api/v1/conversions",
        StatusCode::UNAUTHORIZED,
    )
    .await;
    answers(&app, newer, "/api/v1/conversions", StatusCode::OK).await;
    app.stop().await;
}

/// Ids of keys are public: they stand in signed redirects.
#[tokio::test]
async fn a_refused_rotation_of_another_brands_key_shows_nothing_of_that_key_when_it_is_repeated() {
    let app = bff().await;
    let (key, _) = made(&app, &["reports.read"]).await;
    let (stranger, rotate) = (brand("brand2"), format!("{KEYS}/{key}/rotate"));
    let body = json!({});
    let repeat = || app.post_with_key(&rotate, &stranger, "k1", &body);
    let (status, first) = repeat().await;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");
    let command = logged(&app, id(&first["command_id"])).await;
    let mut refusal = crate::app::rejected("api_key_unknown");
    if let Body::CommandRejectedV1(rejected) = &mut refusal {
        command.header.kind.clone_into(&mut rejected.command_type);
    }
    deliver_outcome(&app, Topic::CampaignEvents, &command, refusal).await;
    let (_, again) = repeat().await;
    assert_eq!(again["prefix"], first["prefix"]);
    app.stop().await;
}

/// Campaign was asked first, under the same `Idempotency-Key`, and showed another secret.
#[tokio::test]
async fn a_key_that_campaign_has_made_for_the_same_request_is_shown_without_a_secret() {
    let app = bff().await;
    let who = Asker {
        subject: "brand1",
        partner: None,
        brand: Some("brand1"),
    };
    let key = IdempotencyKey::parse("k1").unwrap().hash();
    let command_id = who.command_id("campaign.create_api_key.command.v1", &key);
    let key_id = ApiKeyId::of_command(command_id);
    let theirs = CreateApiKeyV1 {
        brand_id: "brand1".to_owned(),
        prefix: "0123abcd".to_owned(),
        hash: "0b".repeat(32),
        scopes: vec!["reports.read".to_owned()],
        expires_at: None,
    };
    let topic = Topic::CampaignCommands;
    let mut theirs = message(topic, key_id.as_str(), key_id.as_str(), theirs.into(), None);
    theirs.header.id = command_id;
    theirs.header.actor = Some(Actor {
        subject: "brand1".to_owned(),
        roles: vec!["brand".to_owned()],
        partner_id: None,
        brand_id: Some("brand1".to_owned()),
    });
    let answered = deliver_outcome(&app, Topic::CampaignEvents, &theirs, event(&theirs)).await;
    assert!(matches!(answered, Answer::Done(_)), "{answered:?}");

    let body = json!({"scopes": ["reports.read"]});
    let (status, answer) = app.post_with_key(KEYS, &brand("brand1"), "k1", &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["command_id"], json!(command_id));
    assert_eq!(answer["key_id"], json!(key_id.as_str()));
    assert_eq!(answer["prefix"], "0123abcd");
    for shown in ["secret", "signing_secret"] {
        assert_eq!(answer[shown], Value::Null, "{shown}");
    }
    app.stop().await;
}

#[tokio::test]
async fn keys_are_remembered_anew_without_reading_all_that_were_revoked() {
    let app = bff().await;
    for sql in [
        "INSERT INTO api_keys (id, position, brand_id, prefix, scopes, created_at, changed_at)
         SELECT 'revoked' || n, -n, 'brand2', 'p', '', n, n FROM generate_series(1, 20000) n",
        "ANALYZE api_keys",
    ] {
        sqlx::query(sql).execute(app.pool()).await.unwrap();
    }
    let (_, key) = made(&app, &["reports.read"]).await;
    let path = "/api/v1/conversions";
    answers(&app, &key, path, StatusCode::OK).await;
    until("they are read by their index", || async {
        assert_eq!(app.get(path, &key).await.0, StatusCode::OK);
        let used = "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = 'api_keys_not_revoked'";
        sqlx::query_scalar(used).fetch_one(app.pool()).await.unwrap()
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn keys_are_listed_by_whether_they_open_anything() {
    let app = bff().await;
    let ids = [
        made(&app, &["reports.read"]).await.0,
        made(&app, &["reports.read"]).await.0,
        made(&app, &["reports.read"]).await.0,
    ];
    let revoke = format!("{KEYS}/{}", ids[1]);
    let (_, answer) = ask(&app, "DELETE", &revoke, &brand("brand1")).await;
    done(&app, &answer).await;
    let over = "UPDATE api_keys SET expires_at = 1 WHERE id = $1";
    let over = sqlx::query(over).bind(&ids[2]).execute(app.pool()).await;
    assert_eq!(over.unwrap().rows_affected(), 1);
    for (status, expected) in [("active", 0), ("revoked", 1), ("expired", 2)] {
        let list = format!("{KEYS}?status={status}");
        let (_, list) = app.get(&list, &brand("brand1")).await;
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{status}: {list}");
        assert_eq!(
            (&items[0]["id"], &items[0]["status"]),
            (&json!(ids[expected]), &json!(status))
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn under_a_preference_to_wait_the_secret_comes_with_the_outcome_and_not_with_a_refusal() {
    let app = bff().await;
    for refused in [false, true] {
        let kind = "campaign.create_api_key.command.v1";
        let open = async || {
            let log = app.log().await;
            log.into_iter().rfind(|message| message.header.kind == kind)
        };
        let before = open().await.map(|message| message.header.id);
        let is_new = |message: &Message| Some(message.header.id) != before;
        let url = format!("{}{KEYS}", app.base_url);
        let request = app.client.post(url).bearer_auth(brand("brand1"));
        let request = request.header("prefer", "wait=20");
        let requesting = request.json(&json!({"scopes": ["reports.read"]})).send();
        let deciding = async {
            until("the command", || async {
                open().await.is_some_and(|message| is_new(&message))
            })
            .await;
            let command = open().await.unwrap();
            let body = if refused {
                let mut body = crate::app::rejected("too_many_api_keys");
                if let Body::CommandRejectedV1(rejected) = &mut body {
                    kind.clone_into(&mut rejected.command_type);
                }
                body
            } else {
                event(&command)
            };
            deliver_outcome(&app, Topic::CampaignEvents, &command, body).await;
        };
        let (answer, ()) = tokio::join!(requesting, deciding);
        let answer = answer.unwrap();
        let status = answer.status();
        assert_eq!(answer.headers()["preference-applied"], "wait=20");
        assert!(answer.headers().contains_key("location"));
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        if refused {
            assert_eq!(status, StatusCode::CONFLICT, "{body}");
            assert!(body.get("secret").is_none());
        } else {
            assert_eq!(status, StatusCode::OK, "{body}");
            assert_eq!(body["status"], "completed");
            assert!(types::is_api_key(body["secret"].as_str().unwrap()));
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_makes_no_keys() {
    let app = bff().await;
    let (_, key) = made(&app, &["conversions.write"]).await;
    answers(&app, &key, "/api/v1/commands", StatusCode::OK).await;
    let sale = json!({"user_id": "user1", "event_type": "purchase", "order_id": "o1", "amount": "10", "currency": "USD"});
    let (status, taken) = app.post("/api/v1/tracking/events", &key, &sale).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    let command = format!("/api/v1/commands/{}", taken["command_id"].as_str().unwrap());
    assert_eq!(app.get(&command, &key).await.0, StatusCode::OK);
    // Another's commands are not its own, its brand's neither.
    let (_, of_people) = app
        .post("/api/v1/tracking/events", &brand("brand1"), &sale)
        .await;
    let command = format!(
        "/api/v1/commands/{}",
        of_people["command_id"].as_str().unwrap()
    );
    assert_eq!(app.get(&command, &key).await.0, StatusCode::NOT_FOUND);

    for path in [
        "/api/v1/claims",
        "/api/v1/commissions",
        "/api/v1/conversions",
    ] {
        let (status, problem) = app.get(path, &key).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path} {problem}");
        let detail = "the API key lacks the scope reports.read";
        assert_eq!(problem["detail"], detail, "{path}");
    }
    let (_, all) = made(&app, &ApiKeyScope::ALL.map(ApiKeyScope::name)).await;
    answers(&app, &all, "/api/v1/commissions", StatusCode::OK).await;
    for (method, path) in [
        ("POST", KEYS.to_owned()),
        ("GET", KEYS.to_owned()),
        ("DELETE", format!("{KEYS}/key_1")),
        ("POST", format!("{KEYS}/key_1/rotate")),
        ("POST", "/api/v1/payments/request".to_owned()),
        ("GET", "/api/v1/payouts".to_owned()),
        ("GET", "/api/v1/statements".to_owned()),
        ("GET", "/api/v1/operator/payment/keys".to_owned()),
    ] {
        let (status, problem) = ask(&app, method, &path, &all).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} {problem}");
        assert!(problem.get("items").is_none() && problem.get("command_id").is_none());
    }
    app.stop().await;
}

#[tokio::test]
async fn another_brands_key_sees_nothing() {
    let app = bff().await;
    let earned = calculated("partner123", "brand2", 1_000, "approved");
    facts(&app, Topic::CommissionEvents, &[("c", "c", earned)]).await;
    let (_, key) = made(&app, &["reports.read"]).await;
    let commissions = "/api/v1/commissions";
    answers(&app, &key, commissions, StatusCode::OK).await;
    assert_eq!(app.get(commissions, &key).await.1["items"], json!([]));
    let theirs = app.get(commissions, &brand("brand2")).await.1;
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
    app.stop().await;
}

/// Revokes a key of `brand1` that opens this; how long it still did.
async fn revoke(app: &TestService, id: &str, key: &str, path: &str) -> Duration {
    answers(app, key, path, StatusCode::OK).await;
    let of_key = format!("{KEYS}/{id}");
    let (status, revoked) = ask(app, "DELETE", &of_key, &brand("brand1")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{revoked}");
    done(app, &revoked).await;
    let since = Instant::now();
    answers(app, key, path, StatusCode::UNAUTHORIZED).await;
    since.elapsed()
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_within_a_second_and_lists_show_how_keys_stand() {
    let app = bff().await;
    let (token, path) = (brand("brand1"), "/api/v1/commands");
    let mut measured = Vec::new();
    for _ in 0..4 {
        let (id, key) = made(&app, &["reports.read"]).await;
        measured.push(revoke(&app, &id, &key, path).await);
    }
    let (key_id, key) = made(&app, &["reports.read"]).await;
    let (other_id, other) = made(&app, &["reports.read"]).await;
    answers(&app, &other, path, StatusCode::OK).await;
    measured.push(revoke(&app, &key_id, &key, path).await);
    println!("the bff refused revoked keys within {measured:?}");
    assert_within_a_second(&measured);
    assert_eq!(app.get(path, &other).await.0, StatusCode::OK);

    let listed = app.get(KEYS, &token).await.1;
    let shown = |at: usize, field: &str| listed["items"][at][field].clone();
    assert_eq!(
        (shown(0, "id"), shown(0, "status")),
        (json!(other_id), json!("active"))
    );
    assert_eq!(
        (shown(1, "id"), shown(1, "status")),
        (json!(key_id), json!("revoked"))
    );
    for at in 0..2 {
        assert!(shown(at, "last_used_at").is_string(), "{listed}");
        assert!(shown(at, "prefix").is_string());
    }
    for reported in ["hash", "secret", &key[14..], &other[14..]] {
        assert!(
            !listed.to_string().contains(reported),
            "{reported}: {listed}"
        );
    }
    let of_key = format!("{KEYS}/{key_id}");
    assert_eq!(app.get(&of_key, &token).await.1["status"], "revoked");
    assert_eq!(app.get(&of_key, &operator()).await.0, StatusCode::OK);
    assert_eq!(
        app.get(&of_key, &brand("brand2")).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        app.get(KEYS, &partner("partner123")).await.0,
        StatusCode::FORBIDDEN
    );
    let of_other = app
        .get(&format!("{KEYS}?brand_id=brand1"), &brand("brand2"))
        .await
        .1;
    assert_eq!(of_other["items"], json!([]));
    let of_brand = app
        .get(&format!("{KEYS}?brand_id=brand1"), &operator())
        .await
        .1;
    assert_eq!(of_brand["items"].as_array().unwrap().len(), 6);
    app.stop().await;
}

#[tokio::test]
async fn a_key_has_a_share_of_requests_of_its_own() {
    let database = runtime::testing::unmade_database();
    let mut variables = runtime::testing::variables(schemas::Service::Bff, &database);
    variables.insert("RATE_LIMIT_PER_SECOND".to_owned(), "1".to_owned());
    variables.insert("RATE_LIMIT_BURST".to_owned(), "20".to_owned());
    let app = TestService::start_with(bff::define, variables).await;
    let (_, one) = made(&app, &["reports.read"]).await;
    let (_, other) = made(&app, &["reports.read"]).await;
    answers(
        &app,
        &one,
        "/api/v1/commands",
        StatusCode::TOO_MANY_REQUESTS,
    )
    .await;
    assert_eq!(app.get("/api/v1/commands", &other).await.0, StatusCode::OK);
    app.stop().await;
}

#[tokio::test]
async fn a_secret_is_in_no_table_log_line_or_answer_but_its_own() {
    let (lines, _listens) = lines();
    let app = bff().await;
    let (key_id, key) = made(&app, &["conversions.write"]).await;
    answers(&app, &key, "/api/v1/commands", StatusCode::OK).await;
    let mut reported = String::new();
    let unknown = NewApiKey::generate().unwrap();
    let unknown = unknown.shown_for(unknown.hash()).unwrap();
    for (token, path) in [
        (&key, "/api/v1/payouts"),
        (&key, "/api/v1/commands"),
        (&unknown, "/api/v1/commands"),
    ] {
        reported.push_str(&app.get(path, token).await.1.to_string());
    }
    reported.push_str(&app.get(KEYS, &brand("brand1")).await.1.to_string());
    let tables = dump(&app).await;
    let logged = lines.logged();
    assert!(tables.contains(&key_id) && logged.contains("/api/v1/keys"));
    for secret in [&key, &unknown] {
        for (place, text) in [
            ("a table", &tables),
            ("a log line", &logged),
            ("an answer", &reported),
        ] {
            assert!(!text.contains(&secret[14..]), "a secret is in {place}");
        }
    }
    app.stop().await;
}
