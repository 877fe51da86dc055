//! The real program, killed between handing a payout to the provider and hearing of it.

use std::collections::HashMap;
use std::net::TcpListener;

use axum::http::StatusCode;
use runtime::testing::{partner, unmade_database, until};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::app::{App, payment_variables, payout};
use crate::provider::Provider;

/// Payment in a process of its own, which ends with the test at the latest.
pub(crate) struct Program {
    pub(crate) child: Child,
    base: String,
}

impl Program {
    pub(crate) async fn start(mut variables: HashMap<String, String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        drop(port);
        variables.insert("PAYMENT_LISTEN_ADDRESS".to_owned(), address.clone());
        let child = Command::new(env!("CARGO_BIN_EXE_payment"))
            .env_clear()
            .envs(variables)
            .current_dir(std::env::temp_dir())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let base = format!("http://{address}");
        until("the program is ready", || async {
            let ready = reqwest::get(format!("{base}/ready")).await;
            ready.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
        Self { child, base }
    }

    async fn granted(&self, amount: &str) -> String {
        let request = reqwest::Client::new()
            .post(format!("{}/api/v1/payment/payouts", self.base))
            .bearer_auth(partner("partner123"))
            .json(&payout(amount));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let body: Value = answer.json().await.unwrap();
        body["id"].as_str().unwrap().to_owned()
    }
}

/// Kills payment after the provider got a submission and before it answered; then starts it again, while the provider does `then`.
async fn killed_while(fault: Value, heard: impl AsyncFn(&Provider), then: Value) -> (App, String) {
    let provider = Provider::start().await;
    let variables = payment_variables(&unmade_database(), &provider, 20_000);
    let mut app = App::with(provider, variables.clone(), payment::define).await;
    app.earn("partner123", 20_000).await;
    let App { service, provider } = app;
    service.stop().await;

    let mut program = Program::start(variables.clone()).await;
    provider.control(fault).await;
    let id = program.granted("150.00").await;
    heard(&provider).await;
    program.child.kill().await.unwrap();
    provider.control(then).await;
    provider.calls();

    let app = App::with(provider, variables, payment::define).await;
    app.until_status(&id, "paid").await;
    assert_eq!(app.provider.taken().await, std::slice::from_ref(&id));
    assert_eq!(app.balance("partner123", "paid_out").await, "150.00");
    assert_eq!(app.balance("partner123", "payable").await, "50.00");
    app.assert_state_is_the_fold_of_its_log().await;
    (app, id)
}

#[tokio::test]
async fn a_payout_that_was_paid_when_payment_was_killed_is_looked_up_and_not_submitted_again() {
    let heard = async |provider: &Provider| provider.until_taken(1).await;
    let fault = json!({ "fault": "time_out_after" });
    let (app, id) = killed_while(fault, heard, json!({ "fault": null })).await;
    let calls = app.provider.calls();
    assert_eq!(calls[0], format!("GET /v1/payouts/{id}"));
    let submitted = calls.iter().any(|call| call.starts_with("POST"));
    assert!(!submitted, "{calls:?}");
}

#[tokio::test]
async fn a_payout_that_never_arrived_when_payment_was_killed_is_looked_up_and_then_submitted() {
    let (app, id) = killed_while(
        json!({ "fault": "time_out_before" }),
        hangs,
        json!({ "fault": null }),
    )
    .await;
    let calls = app.provider.calls();
    assert_eq!(calls[0], format!("GET /v1/payouts/{id}"));
    let submitted = calls.iter().filter(|call| call.starts_with("POST"));
    assert_eq!(submitted.count(), 1, "{calls:?}");
}

/// Until it was handed a payout that it does not answer.
async fn hangs(provider: &Provider) {
    until("the provider hangs", || async {
        let calls = provider.calls();
        calls.iter().any(|call| call == "POST /v1/payouts")
    })
    .await;
}

#[tokio::test]
async fn the_refusal_of_a_second_submission_is_not_final_though_payment_was_killed_during_the_first()
 {
    let fault = json!({ "fault": "time_out_before" });
    let then = json!({ "fault": "reject_before", "fault_times": 1 });
    killed_while(fault, hangs, then).await;
}
