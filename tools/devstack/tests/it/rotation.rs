//! Keys are changed in a running stack, one process after the other, under traffic.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use crate::traffic::{PATIENCE, Shop};

const NEW_JWT: &str = "the-next-key-of-peoples-tokens-of-32-bytes";
const NEW_INTERNAL: &str = "the-next-key-between-services-of-32-bytes";
const LATEST_INTERNAL: &str = "the-last-key-between-services-of-32-bytes";
const NEW_LASTING: &str = "the-next-key-of-what-lasts-of-32-bytes";

/// Restarts every service with these variables, one after the other: followers before senders, or the reverse.
async fn roll(stack: &mut LocalStack, senders_first: bool, variables: &[(&str, &str)]) {
    for (name, value) in variables {
        stack.settings_mut().set(*name, *value);
    }
    let mut order = Program::START_ORDER.to_vec();
    if senders_first {
        order.reverse();
    }
    for program in order {
        stack.restart(program).await.unwrap();
    }
}

async fn asks(stack: &LocalStack, token: &str) -> StatusCode {
    let url = format!("{}/api/v1/balances", stack.url(Service::Bff).unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    answer.status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jwt_and_internal_keys_are_changed_and_no_request_is_refused_or_lost() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.load_demo().await.unwrap();
    let second = stack.start_replica(Service::Bff).await.unwrap();
    let bffs = vec![
        stack.url(Service::Bff).unwrap().to_owned(),
        second.url.clone(),
    ];
    let setting = |name| stack.settings().get(name).unwrap().to_owned();
    let (jwt, internal) = (setting("JWT_SECRET_KEY"), setting("INTERNAL_SECRET_KEY"));
    let old_token = stack.token(&["--role", "operator"]).unwrap();
    let repeated = Shop::new(&stack, "repeated", bffs.clone()).buy().await;
    let old_people = Shop::new(&stack, "old", bffs.clone());

    // 1. Everybody takes the new keys, too.
    let open = old_people.open();
    let variables = [
        ("LASTING_SECRET_KEY", internal.as_str()),
        ("INTERNAL_ACCEPTED_SECRET_KEYS", NEW_INTERNAL),
        ("JWT_ACCEPTED_SECRET_KEYS", NEW_JWT),
    ];
    roll(&mut stack, false, &variables).await;
    // 2. Everybody signs with them; senders first, which is the harder way.
    let variables = [
        ("INTERNAL_SECRET_KEY", NEW_INTERNAL),
        ("INTERNAL_ACCEPTED_SECRET_KEYS", &internal),
        ("JWT_SECRET_KEY", NEW_JWT),
        ("JWT_ACCEPTED_SECRET_KEYS", &jwt),
    ];
    roll(&mut stack, true, &variables).await;
    let mut taken = open.close().await;
    // 3. Nobody takes the old ones.
    let new_people = Shop::new(&stack, "new", bffs.clone());
    let open = new_people.open();
    let variables = [
        ("INTERNAL_ACCEPTED_SECRET_KEYS", ""),
        ("JWT_ACCEPTED_SECRET_KEYS", ""),
    ];
    roll(&mut stack, false, &variables).await;
    taken.extend(open.close().await);

    println!("{} purchases meanwhile", taken.len());
    old_people.wait_for(&taken).await;
    old_people.assert_once(&taken).await;
    assert_eq!(asks(&stack, &old_token).await, StatusCode::UNAUTHORIZED);
    let new_token = stack.token(&["--role", "operator"]).unwrap();
    assert_eq!(asks(&stack, &new_token).await, StatusCode::OK);
    let again = Shop::new(&stack, "repeated", bffs).buy().await;
    assert_eq!(again, repeated, "a repeat is known over the change");
    for service in Service::ALL {
        let log = fs::read_to_string(stack.layout().log(service.name())).unwrap();
        let refused = log
            .lines()
            .find(|line| line.contains("a token of another service"));
        assert_eq!(refused, None, "{service} was refused by another");
    }
}

#[tokio::test]
async fn an_internal_key_is_not_changed_before_marks_have_a_key_that_stays() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    let settings = stack.settings_mut();
    settings.set("INTERNAL_ACCEPTED_SECRET_KEYS", NEW_INTERNAL);
    let refused = stack.start_again().await.unwrap_err().to_string();
    assert!(
        refused.contains("LASTING_SECRET_KEY must be set"),
        "{refused}"
    );
}

/// Sends a visitor to the shop by the demo's link, which says who it is.
async fn click(stack: &LocalStack, user: &str) {
    let tracking = stack.url(Service::Tracking).unwrap();
    let client = reqwest::Client::builder().no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none()).build();
    let url = format!("{tracking}/c/demo100");
    let client = client.unwrap();
    let answer = client.get(url).send().await.unwrap();
    let to = answer.headers()["location"].to_str().unwrap();
    let click = to.split_once("click_id=").unwrap().1;
    assert!(click.starts_with("clk_"), "{to}");
    let url = format!("{tracking}/api/v1/tracking/clicks/{click}/visitor");
    let token = stack.token(&["--brand", "brand123"]).unwrap();
    let request = client.post(url).bearer_auth(token);
    let bound = request.json(&json!({"user_id": user})).send().await;
    assert_eq!(bound.unwrap().status(), 200);
}

/// What becomes of a purchase of a visitor, reported without its click: the outcome, or why it is nobody's.
async fn bought_by(stack: &LocalStack, user: &str) -> String {
    let tracking = stack.url(Service::Tracking).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body =
        json!({"user_id": user, "event_type": "purchase", "amount": "10", "currency": "USD"});
    let request = client.post(format!("{tracking}/api/v1/tracking/events"));
    let token = stack.token(&["--role", "operator"]).unwrap();
    let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let outcome = answer["reason"].as_str().or(answer["outcome"].as_str());
    outcome.unwrap().to_owned()
}

/// The demo's partner as the bff shows it, after it was given this name, if any.
async fn partner(stack: &LocalStack, name: Option<&str>) -> Value {
    let bff = stack.url(Service::Bff).unwrap();
    let url = format!("{bff}/api/v1/partners/partner123");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = stack.token(&["--partner", "partner123"]).unwrap();
    if let Some(name) = name {
        let request = client.patch(&url).bearer_auth(&token);
        let request = request.header("prefer", "wait=30");
        let answer = request.json(&json!({ "name": name })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    answer.json().await.unwrap()
}

/// Restarts who marks and seals by the lasting key.
async fn restart_with_lasting_keys(stack: &mut LocalStack, current: &str, accepted: &str) {
    let settings = stack.settings_mut();
    settings.set("LASTING_SECRET_KEY", current);
    settings.set("LASTING_ACCEPTED_SECRET_KEYS", accepted);
    for service in [Service::Tracking, Service::Campaign, Service::Bff] {
        stack.restart(Program::Service(service)).await.unwrap();
    }
}

#[tokio::test]
async fn visitors_and_names_are_known_as_long_as_the_lasting_key_says() {
    // On a slow machine, too, each click is to have its row.
    let patient = [("CLICK_PATIENCE_MS", "60000")];
    let mut stack = LocalStack::start_with(Mode::Http, &patient).await.unwrap();
    stack.load_demo().await.unwrap();
    assert_eq!(partner(&stack, Some("Ada")).await["name"], "Ada");
    let old = stack.settings().get("INTERNAL_SECRET_KEY").unwrap();
    let old = old.to_owned();
    for user in ["early", "late"] {
        click(&stack, user).await;
    }
    restart_with_lasting_keys(&mut stack, NEW_LASTING, &old).await;
    assert_eq!(bought_by(&stack, "early").await, "attributed");
    click(&stack, "new").await;
    restart_with_lasting_keys(&mut stack, NEW_LASTING, "").await;
    assert_eq!(bought_by(&stack, "new").await, "attributed");
    assert_eq!(bought_by(&stack, "late").await, "no_click");
    // What a partner says of itself is sealed under its own key, which is kept under the next one since.
    assert_eq!(partner(&stack, None).await["name"], "Ada");
    assert_eq!(partner(&stack, Some("Eva")).await["name"], "Eva");
}

/// What commission has shipped, and payment, which is stopped, has not taken: it lies at the broker, signed with the key of now.
async fn bought_while_payment_is_stopped(stack: &LocalStack, shop: &Shop) -> Vec<Uuid> {
    const SHIPPED: &str = "SELECT count(*) FROM pipeline.message_log l
        WHERE l.type = 'commission.calculated.v1' AND l.correlation_id = ANY($1)
          AND l.position <= (SELECT min(position) FROM pipeline.relay_cursor WHERE topic = 'commission-events')";
    Program::Service(Service::Payment).stop(stack.layout());
    let bought = vec![shop.buy().await, shop.buy().await];
    let url = stack.database_url(Service::Commission).unwrap();
    let mut commission = PgConnection::connect(&url).await.unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        let shipped = sqlx::query_scalar(SHIPPED).bind(&bought);
        let shipped: i64 = shipped.fetch_one(&mut commission).await.unwrap();
        if shipped == 2 {
            return bought;
        }
        assert!(Instant::now() < end, "{shipped} of 2 are shipped");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether payment passed messages over that it knew no signer of, by its log.
fn payment_passed_over_some(stack: &LocalStack) -> bool {
    let log = fs::read_to_string(stack.layout().log("payment")).unwrap();
    log.contains("nobody known signed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_lie_at_the_broker_while_the_internal_key_is_changed_are_taken() {
    let mut stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    let bffs = vec![stack.url(Service::Bff).unwrap().to_owned()];
    let shop = Shop::new(&stack, "rotated", bffs);
    let old = stack
        .settings()
        .get("INTERNAL_SECRET_KEY")
        .unwrap()
        .to_owned();

    let variables = [
        ("LASTING_SECRET_KEY", old.as_str()),
        ("INTERNAL_ACCEPTED_SECRET_KEYS", NEW_INTERNAL),
    ];
    roll(&mut stack, false, &variables).await;
    // Signed with the old key, and taken while that one is accepted.
    let accepted = bought_while_payment_is_stopped(&stack, &shop).await;
    let variables = [
        ("INTERNAL_SECRET_KEY", NEW_INTERNAL),
        ("INTERNAL_ACCEPTED_SECRET_KEYS", &old),
    ];
    roll(&mut stack, false, &variables).await;
    shop.wait_for(&accepted).await;
    assert!(!payment_passed_over_some(&stack), "the old key counts");

    // Signed with a key that nobody takes any more when they are read: passed over, and sent again, signed anew.
    let late = bought_while_payment_is_stopped(&stack, &shop).await;
    let variables = [
        ("INTERNAL_SECRET_KEY", LATEST_INTERNAL),
        ("INTERNAL_ACCEPTED_SECRET_KEYS", ""),
    ];
    roll(&mut stack, false, &variables).await;
    let next = shop.buy().await;
    let all: Vec<Uuid> = accepted.into_iter().chain(late).chain([next]).collect();
    shop.wait_for(&all).await;
    assert!(payment_passed_over_some(&stack), "or this shows nothing");
    shop.assert_once(&all).await;
}
