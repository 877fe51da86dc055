//! The test clock: time passes for the services of a stack, and for nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed"
)]

use std::process::{Command, Output};

use devstack::demo::{self, Tokens};
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use types::Month;

use crate::walk::{Walker, until};

const DAY: i64 = 86_400;

fn tributary(stack: &LocalStack, words: &[&str]) -> Output {
    let token = stack
        .token(&["--role", "operator", "--subject", "alice"])
        .unwrap();
    let url = stack.url(Service::Bff).unwrap();
    let ran = Command::new(crate::built("tributary"))
        .args(words)
        .args(["--url", url, "--token", &token])
        .output()
        .unwrap();
    println!(
        "$ tributary {}\n{}{}",
        words.join(" "),
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    ran
}

/// What the command prints; it must succeed.
pub fn clock(stack: &LocalStack, words: &[&str]) -> (String, String) {
    let ran = tributary(stack, &[&["clock"], words].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success());
    (text(&ran.stdout), text(&ran.stderr))
}

fn offsets(stack: &LocalStack) -> Vec<i64> {
    let (shown, _) = clock(stack, &["show", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let clocks = shown.as_object().unwrap().values();
    clocks
        .map(|clock| clock["offset_seconds"].as_i64().unwrap())
        .collect()
}

async fn answer(
    url: String,
    method: Method,
    token: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

/// The same token, but that it ended an hour ago in real time.
fn ended(stack: &LocalStack, token: &str) -> String {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap();
    let mut claims = claims.claims;
    claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 7_200);
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() - 7_200);
    let key = stack.settings().need("JWT_SECRET_KEY").unwrap().as_bytes();
    let key = jsonwebtoken::EncodingKey::from_secret(key);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// A campaign that holds what is earned for 14 days, and a sale there.
pub async fn held_sale(stack: &LocalStack, walker: &Walker<'_>, shop: &str, partner: &str) {
    let campaign = json!({"campaign_id": "camp-held", "name": "Held", "currency": "USD", "allowed_hosts": ["shop.example.com"]});
    walker.done(shop, "campaigns", campaign).await;
    let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1250}, "hold_days": 14}});
    walker.done(shop, "campaigns/camp-held/terms", terms).await;
    walker
        .done(shop, "campaigns/camp-held/activate", json!({}))
        .await;
    walker
        .done(
            partner,
            "campaigns/camp-held/accept",
            json!({"accepted_terms": true}),
        )
        .await;
    let link = json!({"code": "held", "campaign_id": "camp-held", "target_url": "https://shop.example.com/"});
    walker.done(partner, "links", link).await;
    let click = demo::click(stack.url(Service::Tracking).unwrap(), "held")
        .await
        .unwrap();
    let sale = json!({"user_id": "user-held", "event_type": "purchase", "order_id": "o-held", "amount": "100.00",
        "currency": "USD", "click_id": click});
    walker.done(shop, "tracking/events", sale).await;
}

async fn commission_is(walker: &Walker<'_>, token: &str, status: &str) {
    until(&format!("the commission is {status}"), || async {
        let list = walker
            .read_as(token, "commissions?campaign_id=camp-held")
            .await;
        list["items"][0]["status"] == status
    })
    .await;
}

async fn a_hold_ends_after_an_advance(mode: Mode) {
    let stack = LocalStack::start(mode).await.unwrap();
    stack.load_demo().await.unwrap();
    let walker = Walker::new(&stack, mode);
    let (shop, partner) = (
        stack.token(&["--brand", "brand123"]).unwrap(),
        stack.token(&[]).unwrap(),
    );
    held_sale(&stack, &walker, &shop, &partner).await;
    commission_is(&walker, &partner, "held").await;
    clock(&stack, &["advance", "13d"]);
    assert_eq!(offsets(&stack), [13 * DAY; Service::ALL.len()]);
    let list = walker
        .read_as(&partner, "commissions?campaign_id=camp-held")
        .await;
    assert_eq!(list["items"][0]["status"], "held", "{list}");
    clock(&stack, &["advance", "25h"]);
    commission_is(&walker, &partner, "approved").await;
    let addresses = json!({"addresses": [{"address": "mia@example.com"}]});
    let kept = walker.write_by(Method::PUT, &partner, "contacts/mail", addresses);
    assert_eq!(kept.await["status"], "completed");
    let now = types::clock::real().checked_add_seconds(14 * DAY + 3_600);
    let month = Month::of(now.unwrap()).unwrap();
    let left = month.end().micros_since(now.unwrap()) / 1_000_000;
    let hours = format!("{}h", left / 3_600 + 2);
    clock(&stack, &["advance", &hours]);
    the_last_month_is_stated(&stack, &walker, &partner).await;
}

/// The partner reads its statement, which ends with what it has, and is mailed of it.
async fn the_last_month_is_stated(stack: &LocalStack, walker: &Walker<'_>, partner: &str) {
    let operator = stack.token(&["--role", "operator"]).unwrap();
    until("the mailbox has the statement", || async {
        let mails = walker.read_as(&operator, "mailbox").await;
        let mut mails = mails["items"].as_array().unwrap().iter();
        mails.any(|mail| {
            let subject = mail["subject"].as_str().unwrap_or_default();
            subject.starts_with("Your statement for ")
        })
    })
    .await;
    let balances = walker.read_as(partner, "balances").await;
    let payable = &balances["items"][0]["accounts"]["payable"];
    until("the statement ends with the balance", || async {
        let statements = walker.read_as(partner, "statements").await;
        let lines = statements["items"][0]["lines"].as_array();
        let mut lines = lines.into_iter().flatten();
        lines.any(|line| line["account"] == "payable" && line["closing"] == *payable)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_after_the_clock_was_advanced_in_http_mode() {
    a_hold_ends_after_an_advance(Mode::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_after_the_clock_was_advanced_in_event_mode() {
    a_hold_ends_after_an_advance(Mode::Event).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_moved_by_operators_for_all_processes_and_tokens_keep_real_time() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.load_demo().await.unwrap();
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let replica = stack.start_replica(Service::Bff).await.unwrap();
    let partner = stack.token(&[]).unwrap();
    let me = async |at: &str| answer(format!("{at}/api/v1/me"), Method::GET, &partner, None).await;
    assert_eq!(me(&bff).await.1["test_clock"], Value::Null);

    // Who may: operators alone, and each act is audited.
    let url = format!("{bff}/api/v1/operator/campaign/clock");
    let body = json!({"offset_seconds": DAY, "reason": "mine"});
    let (status, _) = answer(url.clone(), Method::POST, &partner, Some(body.clone())).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    clock(&stack, &["advance", "365d", "--reason", "a year passes"]);
    let acts = tributary(&stack, &["audit", "list", "campaign"]);
    let acts = String::from_utf8(acts.stdout).unwrap();
    for part in ["alice", "clock.advance", "a year passes"] {
        assert!(acts.contains(part), "{acts}");
    }

    // A token of before is good, its lifetime is real; one whose time is over in reality is not.
    let (status, shown) = me(&bff).await;
    assert_eq!(
        (status, &shown["test_clock"]),
        (StatusCode::OK, &json!("+365 days"))
    );
    let over = answer(
        format!("{bff}/api/v1/me"),
        Method::GET,
        &ended(&stack, &partner),
        None,
    )
    .await;
    assert_eq!(over.0, StatusCode::UNAUTHORIZED);

    // The other process of the bff was sent nothing.
    until("the replica follows", || async {
        me(&replica.url).await.1["test_clock"] == "+365 days"
    })
    .await;

    // Forward alone, and twice to the same place is once.
    let operator = stack.token(&["--role", "operator"]).unwrap();
    let (status, problem) = answer(url.clone(), Method::POST, &operator, Some(body)).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("clock_goes_forward"))
    );
    for _ in 0..2 {
        let body = json!({"offset_seconds": 366 * DAY, "reason": "a day more"});
        let (status, shown) = answer(url.clone(), Method::POST, &operator, Some(body)).await;
        assert_eq!(
            (status, &shown["offset"]),
            (StatusCode::OK, &json!("+366 days"))
        );
    }
    let beyond = json!({"offset_seconds": 366 * 10 * DAY, "reason": "far"});
    let (status, _) = answer(url.clone(), Method::POST, &operator, Some(beyond)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    // The services disagree now: the next advance mends that, and adds nothing.
    let (_, stderr) = clock(&stack, &["advance", "1d"]);
    assert!(stderr.contains("nothing was added"), "{stderr}");
    assert_eq!(offsets(&stack), [366 * DAY; Service::ALL.len()]);

    // Who is away: nothing is moved, and it is said.
    stack.kill(Program::Service(Service::Payment)).unwrap();
    let ran = tributary(&stack, &["clock", "advance", "1d"]);
    let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        !ran.status.success() && stderr.contains("payment") && stderr.contains("nothing was moved"),
        "{stderr}"
    );
    stack.start_again().await.unwrap();
    assert_eq!(offsets(&stack), [366 * DAY; Service::ALL.len()]);

    // After a reset the logs' times do not go back: payment's ends with the statement of a month that passed.
    let url = format!("{bff}/api/v1/operator/payment/clock");
    let shown = async || answer(url.clone(), Method::GET, &operator, None).await.1;
    let month = Month::of(types::clock::real()).unwrap().to_string();
    until("a month is stated", || async {
        shown().await["last_time"].as_str().unwrap()[..month.len()] > *month
    })
    .await;
    let (_, stderr) = clock(&stack, &["reset"]);
    assert!(stderr.contains("a log's times never go back"), "{stderr}");
    assert_eq!(offsets(&stack), [0; Service::ALL.len()]);
    let shown = shown().await;
    assert_eq!(shown["now"], shown["last_time"], "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_local_profile_there_is_no_test_clock_and_a_moved_one_is_refused() {
    let production = [
        ("TRIBUTARY_PROFILE", "production"),
        ("DIRECT_HTTP_AUTH", "token"),
    ];
    let mut stack = LocalStack::start_with(Mode::Http, &production)
        .await
        .unwrap();
    let operator = stack.token(&["--role", "operator"]).unwrap();
    for service in Service::ALL {
        let at = stack.url(service).unwrap().to_owned();
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let url = format!("{at}/api/v1/operator/{service}/clock");
            let body = json!({"offset_seconds": DAY, "reason": "no"});
            let (status, _) = answer(url, method, &operator, Some(body)).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{service}");
        }
        let (_, document) =
            answer(format!("{at}/openapi.json"), Method::GET, &operator, None).await;
        let paths = document["paths"].as_object().unwrap();
        assert!(
            !paths.keys().any(|path| path.ends_with("/clock")),
            "{service}"
        );
    }
    let ran = tributary(&stack, &["clock", "advance", "1d"]);
    let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        !ran.status.success() && stderr.contains("local profile"),
        "{stderr}"
    );

    stack.settings_mut().set("TRIBUTARY_PROFILE", "local");
    stack.start_again().await.unwrap();
    clock(&stack, &["advance", "2d"]);
    stack.load_demo().await.unwrap();
    stack.settings_mut().set("TRIBUTARY_PROFILE", "production");
    let refused = format!("{:#}", stack.start_again().await.unwrap_err());
    assert!(refused.contains("was moved (+2 days)"), "{refused}");
    // Set back, its logs end in the future all the same.
    stack.settings_mut().set("TRIBUTARY_PROFILE", "local");
    stack.start_again().await.unwrap();
    clock(&stack, &["reset"]);
    stack.settings_mut().set("TRIBUTARY_PROFILE", "production");
    let refused = format!("{:#}", stack.start_again().await.unwrap_err());
    assert!(refused.contains("was moved and set back"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_stack_begins_where_it_is_told_and_one_that_is_not_goes_on() {
    let starts = [("CLOCK_STARTS", "-90d")];
    let mut stack = LocalStack::start_with(Mode::Http, &starts).await.unwrap();
    assert_eq!(offsets(&stack), [-90 * DAY; Service::ALL.len()]);
    stack.load_demo().await.unwrap();
    stack.settings_mut().set("CLOCK_STARTS", "-30d");
    stack.start_again().await.unwrap();
    assert_eq!(offsets(&stack), [-90 * DAY; Service::ALL.len()]);
    clock(&stack, &["advance", "90d"]);
    let walker = Walker::new(&stack, Mode::Http);
    let partner = stack.token(&[]).unwrap();
    let balance = walker.read_as(&partner, "balances").await;
    assert_eq!(
        balance["items"][0]["accounts"]["payable"], "200.00",
        "{balance}"
    );
}
