//! The restore runbook, followed: tracking's database goes back to a backup, and the commands of docs/runbooks/restore.md
//! lead to a stack that goes on. Prints what the runbook quotes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed; what the runbook quotes is printed"
)]

use std::process::Command;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::progress::Progress;
use devstack::services::{Program, start_one};
use devstack::settings::Mode;
use devstack::stack::Postgres;
use invariants::{Finding, Journal, check, print, settled};
use schemas::{Service, Topic};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use crate::traffic::{PATIENCE, Shop};

/// Whose database goes back.
pub const TRACKING: Program = Program::Service(Service::Tracking);
const COMMISSION: Program = Program::Service(Service::Commission);

/// Runs one statement as the server's own user, once nobody is connected to tracking's database.
pub async fn as_admin(stack: &LocalStack, statement: &str) {
    once_left(stack, Service::Tracking, statement).await;
}

/// Runs one statement as the server's own user, once nobody is connected to a service's database.
async fn once_left(stack: &LocalStack, service: Service, statement: &str) {
    let folder = stack.layout().state.join("postgres");
    let port = stack.settings().need("POSTGRES_PORT").unwrap();
    let admin = Postgres::admin_url_in(&folder, port).unwrap();
    let mut server = PgConnection::connect(&admin).await.unwrap();
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 || '_db'";
    while sqlx::query_scalar::<_, i64>(left)
        .bind(service.name())
        .fetch_one(&mut server)
        .await
        .unwrap()
        > 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut server)
        .await
        .unwrap();
}

/// The command line, as an operator types it.
pub fn tributary(stack: &LocalStack, arguments: &[&str]) -> String {
    let token = stack.token(&["--role", "operator"]).unwrap();
    let mut command = Command::new(crate::built("tributary"));
    command
        .args(arguments)
        .args(["--url", stack.url(Service::Bff).unwrap()]);
    let output = command.env("TRIBUTARY_TOKEN", token).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("$ ./tributary {}\n{printed}", arguments.join(" "));
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {failed}");
    printed
}

/// Whether a service is ready, and what it says.
pub async fn ready(stack: &LocalStack, service: Service) -> (bool, Value) {
    let url = format!("{}/ready", stack.url(service).unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    match client.get(url).send().await {
        Ok(answer) => (
            answer.status().is_success(),
            answer.json().await.unwrap_or_default(),
        ),
        Err(_) => (false, Value::Null),
    }
}

/// Starts one program without waiting until it is ready.
pub async fn start(stack: &LocalStack, program: Program) {
    let built = devstack::layout::Layout::find().built("debug");
    start_one(program, stack.layout(), stack.settings(), &built, Progress)
        .await
        .unwrap();
}

/// Waits until a service says this of itself.
pub async fn until_ready_says(stack: &LocalStack, service: Service, what: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let (_, body) = ready(stack, service).await;
        if body.to_string().contains(what) {
            println!("GET {service}/ready: {body}");
            return;
        }
        assert!(
            Instant::now() < end,
            "{service} does not say '{what}': {body}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_back_to_a_backup_stops_its_streams_until_the_runbook_is_followed() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let shop = Shop::new(
        &stack,
        "shop",
        vec![stack.url(Service::Bff).unwrap().to_owned()],
    );
    let mut all = Vec::new();
    // More than come again under the new epoch.
    for _ in 0..12 {
        all.push(shop.buy().await);
    }
    shop.wait_for(&all).await;
    assert!(TRACKING.stop(stack.layout()));
    as_admin(
        &stack,
        "CREATE DATABASE tracking_backup TEMPLATE tracking_db",
    )
    .await;
    stack.start_again().await.unwrap();
    for _ in 0..7 {
        all.push(shop.buy().await);
    }
    shop.wait_for(&all).await;
    // Nobody else has this one: it was asked for at tracking itself.
    let request = DirectRequest::new(&stack);
    let direct = request.ask().await;
    shop.wait_for(&[direct]).await;

    // The disaster, and the restore.
    stack.kill(TRACKING).unwrap();
    as_admin(&stack, "DROP DATABASE tracking_db").await;
    as_admin(
        &stack,
        "CREATE DATABASE tracking_db TEMPLATE tracking_backup OWNER tracking",
    )
    .await;
    start(&stack, TRACKING).await;
    until_ready_says(&stack, Service::Tracking, "is a copy").await;

    let reason = ["--reason", "restored the backup of last night"];
    let run = |arguments: &[&str]| tributary(&stack, &[arguments, &reason].concat());
    run(&["epoch", "raise", "--service", "tracking"]);
    tributary(&stack, &["epoch", "show", "tracking"]);
    let end = Instant::now() + PATIENCE;
    while !ready(&stack, Service::Tracking).await.0 {
        assert!(Instant::now() < end, "tracking goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What the bff had sent since the backup, and what campaign had, is sent again.
    for (source, topic) in [
        ("bff", "tracking-commands"),
        ("campaign", "campaign-events"),
    ] {
        run(&[
            "relay", "rewind", "--source", source, "--topic", topic, "--to", "0",
        ]);
    }
    for follower in Topic::TrackingEvents.followers() {
        until_ready_says(&stack, follower, "has gone on under epoch 2").await;
        run(&[
            "epoch",
            "accept",
            "--source",
            "tracking",
            "--at",
            follower.name(),
        ]);
    }
    for _ in 0..3 {
        all.push(shop.buy().await);
    }
    shop.wait_for(&all).await;
    shop.assert_once(&all).await;
    let end = Instant::now() + PATIENCE;
    for service in Service::ALL {
        loop {
            let (ok, body) = ready(&stack, service).await;
            if ok && !body.to_string().contains("restore.md") {
                break;
            }
            assert!(Instant::now() < end, "{service} is not ready: {body}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let known = known(&stack, &all).await;
    assert_eq!(known, 22, "tracking knows again what it lost");
    drop_what_was_decided_again(&stack, 7);
    let broken = broken(&stack).await;
    let rules: Vec<u8> = broken.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [1, 6, 9, 9, 10], "{broken:#?}");
    let evidence = broken.iter().flat_map(|finding| &finding.broken);
    let lost = evidence.filter(|it| it.contains("(perhaps lost when tracking was restored)"));
    assert_eq!(lost.count(), 3, "{broken:#?}");
    assert_eq!(request.ask().await, direct, "the same request");
    until_in_retry_queue(&stack).await;
    drop_what_was_decided_again(&stack, 1);
    let broken = self::broken(&stack).await;
    assert!(broken.is_empty(), "{broken:#?}");
    for service in ["tracking", "commission", "bff"] {
        tributary(&stack, &["audit", "list", service, "--action", "epoch"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_on_its_way_when_all_databases_were_backed_up_comes_again_when_all_go_back() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "shop", vec![bff]);
    let mut all = vec![shop.buy().await];
    shop.wait_for(&all).await;
    // Tracking has decided upon these, and commission has none of it yet.
    assert!(COMMISSION.stop(stack.layout()));
    for _ in 0..3 {
        all.push(shop.buy().await);
    }
    until_all_is_sent(&stack, &all).await;
    for service in Service::ALL
        .into_iter()
        .filter(|it| *it != Service::Commission)
    {
        assert!(Program::Service(service).stop(stack.layout()));
    }
    for service in Service::ALL {
        let backup = format!("CREATE DATABASE {service}_backup TEMPLATE {service}_db");
        once_left(&stack, service, &backup).await;
    }
    stack.start_again().await.unwrap();
    // The broker has none of it to give once more.
    shop.wait_for(&all).await;
    // What it has handled is acknowledged then.
    for service in Service::ALL {
        assert!(Program::Service(service).stop(stack.layout()));
    }
    for service in Service::ALL {
        once_left(&stack, service, &format!("DROP DATABASE {service}_db")).await;
        let restore =
            format!("CREATE DATABASE {service}_db TEMPLATE {service}_backup OWNER {service}");
        once_left(&stack, service, &restore).await;
        start(&stack, Program::Service(service)).await;
    }
    let run = |arguments: &[&str]| {
        let reason = ["--reason", "restored the server's backup of last night"];
        tributary(&stack, &[arguments, &reason].concat())
    };
    for service in Service::ALL {
        until_ready_says(&stack, service, "is a copy").await;
    }
    for service in Service::ALL {
        run(&["epoch", "raise", "--service", service.name()]);
    }
    for (source, at) in [
        ("bff", "tracking"),
        ("tracking", "commission"),
        ("tracking", "bff"),
        ("commission", "payment"),
        ("commission", "bff"),
        ("payment", "bff"),
    ] {
        run(&["epoch", "accept", "--source", source, "--at", at]);
    }
    for _ in 0..2 {
        all.push(shop.buy().await);
    }
    shop.wait_for(&all).await;
    shop.assert_once(&all).await;
}

/// Of how many of these purchases tracking's log has an attribution.
async fn known(stack: &LocalStack, purchases: &[Uuid]) -> i64 {
    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(
        "SELECT count(DISTINCT correlation_id) FROM pipeline.message_log
          WHERE type = 'conversion.attributed.v1' AND correlation_id = ANY($1)",
    )
    .bind(purchases)
    .fetch_one(&mut tracking)
    .await
    .unwrap()
}

/// Waits until tracking has decided upon these purchases and noted that all of it left.
async fn until_all_is_sent(stack: &LocalStack, purchases: &[Uuid]) {
    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    let left = "SELECT c.position = h.position FROM pipeline.relay_cursor c, pipeline.log_head h WHERE c.topic = 'tracking-events'";
    let end = Instant::now() + PATIENCE;
    while known(stack, purchases).await < i64::try_from(purchases.len()).unwrap()
        || !sqlx::query_scalar::<_, bool>(left)
            .fetch_one(&mut tracking)
            .await
            .unwrap()
    {
        assert!(Instant::now() < end, "tracking decides upon all of them");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What `check` finds broken.
async fn broken(stack: &LocalStack) -> Vec<Finding> {
    let records = invariants::Records::of_stack(stack).unwrap();
    settled(&records, PATIENCE).await.unwrap();
    let mut findings = check(&records, &Journal::default()).await.unwrap();
    print(&findings);
    findings.retain(|finding| !finding.holds());
    findings
}

/// A purchase that a client reports to tracking itself, under a key.
struct DirectRequest {
    url: String,
    token: String,
}

impl DirectRequest {
    fn new(stack: &LocalStack) -> Self {
        let tracking = stack.url(Service::Tracking).unwrap();
        Self {
            url: format!("{tracking}/api/v1/tracking/events"),
            token: stack.token(&["--role", "operator"]).unwrap(),
        }
    }

    /// Its correlation id.
    async fn ask(&self) -> Uuid {
        let body = json!({
            "user_id": "user123", "event_type": "purchase", "order_id": "direct", "amount": 10.0, "currency": "USD",
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(&self.url).bearer_auth(&self.token).json(&body);
        let request = request.header("Idempotency-Key", "direct");
        let answer = request
            .header("X-Correlation-ID", CORRELATION)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        CORRELATION.parse().unwrap()
    }
}

const CORRELATION: &str = "019aa000-0000-7000-8000-000000000001";

/// Waits until commission has something in its retry queue.
async fn until_in_retry_queue(stack: &LocalStack) {
    let url = stack.database_url(Service::Commission).unwrap();
    let mut commission = PgConnection::connect(&url).await.unwrap();
    let end = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pipeline.parked")
        .fetch_one(&mut commission)
        .await
        .unwrap()
        == 0
    {
        assert!(Instant::now() < end, "commission parks it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Drops the facts that tracking decided a second time.
fn drop_what_was_decided_again(stack: &LocalStack, count: usize) {
    let list = ["parked", "list", "commission"];
    tributary(stack, &list);
    let listed = tributary(stack, &[&list[..], &["--json"]].concat());
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), count);
    for row in items {
        let reason = row["reason"].as_str().unwrap();
        assert!(reason.starts_with("it had its effect as"), "{reason}");
    }
    // Of a text that only stands within the reason, none.
    for (why, dropped) in [("its effect as", 0), ("it had its effect as", count)] {
        let all = ["parked", "drop", "commission", "--all", "--why", why];
        let reason = ["--reason", "known since before the restore"];
        let printed = tributary(stack, &[&all[..], &reason].concat());
        let wanted = format!("{dropped} dead letter(s) of commission dropped\n");
        assert_eq!(printed, wanted);
    }
    let left = tributary(stack, &[&list[..], &["--json"]].concat());
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["items"], json!([]));
}
