//! Brand, partner and operator do their work in a browser.

use axum::Router;
use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use invariants::Finding;
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

async fn sql(stack: &LocalStack, service: Service, statement: &'static str) {
    let url = stack.database_url(service).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

/// Lets time pass at campaign until what it cannot store is a dead letter.
async fn until_dead(stack: &LocalStack) {
    let token = stack.token(&["--role", "operator"]).unwrap();
    let url = stack.url(Service::Bff).unwrap();
    let url = format!("{url}/api/v1/operator/campaign/parked?state=dead");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..60 {
        sql(
            stack,
            Service::Campaign,
            "UPDATE pipeline.log_head SET clock_offset = clock_offset + 600000000",
        )
        .await;
        let answer = client.get(&url).bearer_auth(&token).send().await.unwrap();
        let list: Value = answer.json().await.unwrap();
        if list["items"].as_array().is_some_and(|it| !it.is_empty()) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("nothing is a dead letter");
}

async fn fulfil(stack: &LocalStack, wanted: &str) {
    match wanted {
        "break" => {
            sql(
                stack,
                Service::Campaign,
                "ALTER TABLE campaigns ADD CONSTRAINT broken CHECK (name <> 'Spring slae') NOT VALID",
            )
            .await;
        }
        "mend" => {
            let statement = "ALTER TABLE campaigns DROP CONSTRAINT broken";
            sql(stack, Service::Campaign, statement).await;
        }
        "month" => {
            let later = "UPDATE pipeline.log_head SET clock_offset = clock_offset + 32::bigint * 86400 * 1000000";
            sql(stack, Service::Payment, later).await;
        }
        "dead" => until_dead(stack).await,
        "check" => report_a_check(stack).await,
        "kill" => stack.kill(Program::Service(Service::Bff)).unwrap(),
        "revive" => stack.start_again().await.unwrap(),
        other => panic!("nobody knows how to {other}"),
    }
}

/// Notes what a check came to, as `tributary check --report` does.
async fn report_a_check(stack: &LocalStack) {
    let finding = |rule, check, broken: &[&str]| Finding {
        rule,
        check,
        looked_at: 7,
        wrong: broken.len() as u64,
        broken: broken.iter().map(ToString::to_string).collect(),
    };
    let findings = [
        finding(1, "no id is twice in a log", &[]),
        finding(9, "each currency adds up to zero", &["a cent is missing"]),
    ];
    let token = stack.token(&["--role", "operator"]).unwrap();
    let bff = stack.url(Service::Bff).unwrap();
    invariants::report(bff, &token, &findings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brand_partner_and_operator_do_their_work_in_the_console() {
    let local = [("WEBHOOK_LOCAL_RECEIVERS", "true")];
    let stack = LocalStack::start_with(Mode::Event, &local).await.unwrap();
    stack.load_demo().await.unwrap();
    // A customer's system, which takes what it is sent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut places = super::places(&stack);
    places["receiver"] = json!(format!("http://{}/hook", listener.local_addr().unwrap()));
    let taken = Router::new().fallback(|| async { "taken" });
    let mut receiver = JoinSet::new();
    receiver.spawn(axum::serve(listener, taken).into_future());
    let handle = Handle::current();
    let problems = tokio::task::block_in_place(|| {
        super::run(&places, "walk.mjs", |wanted| {
            handle.block_on(fulfil(&stack, wanted));
        })
    });
    assert!(
        problems.is_empty(),
        "{}\npictures: {}",
        problems.join("\n"),
        super::pictures().display()
    );
}
