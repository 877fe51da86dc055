//! Operators and a payout request that is stuck: they see what it says, and never where the money goes.

use axum::http::StatusCode;
use runtime::testing::{operator, partner, until};
use serde_json::{Value, json};

use crate::app::{App, run};

const PREFIX: &str = "/api/v1/operator/payment";
const IBAN: &str = "DE89370400440532013000";

/// Payment whose table refuses partner123's payouts, and the id of the command that is stuck for it.
async fn stuck() -> (App, String) {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    run(
        &app,
        "ALTER TABLE payouts ADD CONSTRAINT broken CHECK (partner <> 'partner123') NOT VALID",
    )
    .await;
    let (status, answer) = request(&app).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let id = answer["command_id"].as_str().unwrap().to_owned();
    // It is tried again by who is told to.
    run(
        &app,
        "UPDATE pipeline.parked SET next_at = next_at + 3600000000",
    )
    .await;
    (app, id)
}

/// The request that is stuck, always with the same key.
async fn request(app: &App) -> (StatusCode, Value) {
    let body = json!({"amount": "150.00", "currency": "USD", "payment_method": "bank_transfer",
                      "account_details": {"iban": IBAN, "name": "Erika Mustermann"}});
    let (path, token) = ("/api/v1/payment/payouts", partner("partner123"));
    app.service.post_with_key(path, &token, "k1", &body).await
}

/// Asks as an operator; whatever is answered shows nothing of where the money goes.
async fn get(app: &App, path: &str) -> (StatusCode, Value) {
    let (status, answer) = app
        .service
        .get(&format!("{PREFIX}{path}"), &operator())
        .await;
    assert_shows_nothing(&answer);
    (status, answer)
}

async fn post(app: &App, path: &str, body: &Value) -> (StatusCode, Value) {
    let path = format!("{PREFIX}{path}");
    let (status, answer) = app.service.post(&path, &operator(), body).await;
    assert_shows_nothing(&answer);
    (status, answer)
}

async fn put(app: &App, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = app
        .service
        .client
        .put(format!("{}{PREFIX}{path}", app.service.base_url))
        .bearer_auth(operator())
        .json(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let answer = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_shows_nothing(&answer);
    (status, answer)
}

fn assert_shows_nothing(answer: &Value) {
    let text = answer.to_string();
    for secret in [IBAN, "0532013", "Erika"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_stuck_request_is_found_tried_edited_and_redriven() {
    let (app, id) = stuck().await;
    let (_, page) = get(
        &app,
        "/parked?state=retrying&type=payment.request_payout.command.v1",
    )
    .await;
    assert_eq!(page["items"][0]["message_id"], id.as_str(), "{page}");
    let (_, page) = get(
        &app,
        "/parked?reason=BROKEN&source=payment&before=2100-01-01T00:00:00Z",
    )
    .await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    let (_, page) = get(&app, "/parked?before=2020-01-01T00:00:00Z").await;
    assert_eq!(page["items"], json!([]));
    let (_, counts) = get(&app, "/parked/counts").await;
    assert_eq!(counts["states"][0]["name"], "retrying");
    assert_eq!(counts["types"][0]["messages"], 1);

    let one = format!("/parked/{id}");
    let (_, shown) = get(&app, &one).await;
    let payload = &shown["message"]["payload"]["request_payout_v1"];
    assert_eq!(payload["amount"]["minor"], 15_000, "{shown}");
    let hidden = payload["sealed_details"].as_str().unwrap();
    assert!(hidden.starts_with("hidden: "), "{hidden}");

    let dry_run = format!("{one}/dry-run");
    let (_, result) = post(&app, &dry_run, &json!({})).await;
    assert_eq!(result["outcome"], "failed", "{result}");
    run(&app, "ALTER TABLE payouts DROP CONSTRAINT broken").await;
    let (_, result) = post(&app, &dry_run, &json!({})).await;
    assert_eq!(result["outcome"], "handled", "{result}");
    assert_eq!(result["events"][0]["type"], "payout.requested.v1");
    let mut edited = payload.clone();
    edited["amount"]["minor"] = json!(30_000);
    let (_, result) = post(&app, &dry_run, &json!({"payload": edited})).await;
    assert_eq!(result["code"], "insufficient_balance", "{result}");
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
}

#[tokio::test]
async fn an_edited_request_is_paid_as_edited_and_every_act_is_in_the_audit() {
    let (app, id) = stuck().await;
    let one = format!("/parked/{id}");
    let (_, shown) = get(&app, &one).await;
    let mut payload = shown["message"]["payload"]["request_payout_v1"].clone();
    payload["amount"]["minor"] = json!(4_000);
    let edit = format!("{one}/payload");
    let (status, problem) = put(&app, &edit, &json!({"payload": payload})).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a reason is needed: {problem}"
    );
    let wrong = json!({"payload": {"amount": 1}, "reason": "typo"});
    let (status, problem) = put(&app, &edit, &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        problem["errors"][0]["pointer"], "/payload/amount",
        "{problem}"
    );

    run(
        &app,
        "UPDATE pipeline.parked SET state = 'dead', attempts = 5",
    )
    .await;
    let body = json!({"payload": payload, "reason": "the amount had a zero too many"});
    let (status, shown) = put(&app, &edit, &body).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["acts"][0]["action"], "parked.edit");
    let (_, status) = app
        .service
        .get(&format!("/api/v1/payment/commands/{id}"), &operator())
        .await;
    assert_eq!(status["status"], "needs_attention");

    run(&app, "ALTER TABLE payouts DROP CONSTRAINT broken").await;
    let redrive = format!("{one}/redrive");
    let (status, done) = post(&app, &redrive, &json!({"reason": "mended"})).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    until("it is paid", || async {
        app.balance("partner123", "paid_out").await == "40.00"
    })
    .await;
    let (status, problem) = post(&app, &redrive, &json!({"reason": "again"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let (_, acts) = get(&app, "/audit?action=parked").await;
    let actions: Vec<&str> = acts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["parked.redrive", "parked.edit"]);
    assert_eq!(acts["items"][0]["actor"], "operator");
    assert_eq!(acts["items"][1]["reason"], "the amount had a zero too many");
}

#[tokio::test]
async fn of_two_senders_that_took_one_id_an_operator_says_which() {
    let (app, id) = stuck().await;
    run(
        &app,
        "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, attempts, next_at, header, schema_id, body)
         SELECT 'mallory', message_id, arrival + 1, topic, 'dead', reason, attempts, 0, header, schema_id, body FROM pipeline.parked",
    )
    .await;
    let one = format!("/parked/{id}");
    let why = json!({"reason": "not ours"});
    for (status, problem) in [
        get(&app, &one).await,
        post(&app, &format!("{one}/drop"), &why).await,
        post(&app, &format!("{one}/redrive"), &why).await,
    ] {
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert_eq!(problem["code"], "ambiguous");
    }
    let drop = format!("{one}/drop?source=mallory");
    let (status, done) = post(&app, &drop, &why).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (_, shown) = get(&app, &one).await;
    assert_eq!(shown["parked"]["source"], "payment", "{shown}");
}

#[tokio::test]
async fn a_dropped_request_is_dropped_for_who_asked_and_a_redrive_of_all_shows_its_progress() {
    let (app, id) = stuck().await;
    let (status, done) = post(
        &app,
        &format!("/parked/{id}/drop"),
        &json!({"reason": "asked for twice"}),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (_, status) = app
        .service
        .get(
            &format!("/api/v1/payment/commands/{id}"),
            &partner("partner123"),
        )
        .await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&json!("dropped"), &json!("dropped_by_operator"))
    );
    let (status, problem) = request(&app).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(problem["code"], "dropped_by_operator");

    for body in [
        json!({"filter": {}, "rate": 0, "reason": "x"}),
        json!({"filter": {}, "rate": 10_001, "reason": "x"}),
        json!({"filter": {"stat": "dead"}, "reason": "x"}),
        json!({"filter": {}, "reason": ""}),
    ] {
        let (status, problem) = post(&app, "/redrives", &body).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {problem}"
        );
    }
    let body = json!({"filter": {"state": "dead"}, "rate": 10, "reason": "all of them"});
    let (status, redrive) = post(&app, "/redrives", &body).await;
    assert_eq!(status, StatusCode::OK, "{redrive}");
    assert_eq!(
        (&redrive["total"], &redrive["left"]),
        (&json!(0), &json!(0))
    );
    let path = format!("/redrives/{}", redrive["id"].as_str().unwrap());
    until("it is done", || async {
        get(&app, &path).await.1["state"] == "done"
    })
    .await;
    let cancel = format!("{path}/cancel");
    let (status, _) = post(&app, &cancel, &json!({"reason": "late"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn while_the_database_takes_no_batch_ready_says_why_and_since_when() {
    let mut app = App::start().await;
    run(&app, "ALTER TABLE pipeline.inbox RENAME TO inbox_away").await;
    let requesting = app.request("partner123", "1.00");
    let looking = async {
        until("it is not ready", || async {
            let (status, ready) = app.service.get("/ready", &operator()).await;
            let checks = ready["checks"].as_array().cloned().unwrap_or_default();
            let batches = checks.iter().find(|check| check["name"] == "batches");
            let reported = batches.and_then(|check| check["detail"].as_str());
            status == StatusCode::SERVICE_UNAVAILABLE
                && reported.is_some_and(|reported| {
                    reported.contains("waits since 20") && reported.contains("inbox")
                })
        })
        .await;
        run(&app, "ALTER TABLE pipeline.inbox_away RENAME TO inbox").await;
    };
    let ((status, answer), ()) = tokio::join!(requesting, looking);
    let is_late = status == StatusCode::GATEWAY_TIMEOUT;
    assert!(
        is_late || status == StatusCode::UNPROCESSABLE_ENTITY,
        "{status}: {answer}"
    );
    // It is looked at once a second.
    until("it is ready again", || async {
        app.service.get("/ready", &operator()).await.0 == StatusCode::OK
    })
    .await;
    app.earn("partner123", 1).await;
}

/// The path of what the worker found, once that is tried again.
async fn answer_in_retry_queue(app: &App) -> String {
    let found = async || {
        let answers = "/parked?state=retrying&type=payment.record_payout_answer.command.v1";
        let (_, page) = get(app, answers).await;
        page["items"][0]["message_id"].as_str().map(str::to_owned)
    };
    until("what was found is in the retry queue", || async {
        found().await.is_some()
    })
    .await;
    format!("/parked/{}", found().await.unwrap())
}

#[tokio::test]
async fn what_the_worker_heard_of_the_provider_is_edited_by_nobody() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    run(
        &app,
        "ALTER TABLE payouts ADD CONSTRAINT broken CHECK (status <> 'paid') NOT VALID",
    )
    .await;
    app.granted("partner123", "150.00").await;
    let one = answer_in_retry_queue(&app).await;
    let payload = json!({"answer": "failed", "provider_ref": null, "reason": null});
    let body = json!({"payload": payload, "reason": "it never arrived"});
    let (status, problem) = put(&app, &format!("{one}/payload"), &body).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let (status, problem) = post(
        &app,
        &format!("{one}/dry-run"),
        &json!({"payload": payload}),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    run(&app, "ALTER TABLE payouts DROP CONSTRAINT broken").await;
    until("it is paid", || async {
        app.balance("partner123", "paid_out").await == "150.00"
    })
    .await;
}

#[tokio::test]
async fn a_payout_of_which_an_operator_drops_what_was_found_goes_round_again() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    run(
        &app,
        "ALTER TABLE payouts ADD CONSTRAINT broken CHECK (status <> 'unknown') NOT VALID",
    )
    .await;
    let once = json!({"fault": "fail_before", "fault_times": 1});
    app.provider.control(once).await;
    let (status, answer) = request(&app).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let drop = format!("{}/drop", answer_in_retry_queue(&app).await);
    let (status, dropped) = post(&app, &drop, &json!({"reason": "in vain"})).await;
    assert_eq!(status, StatusCode::OK, "{dropped}");
    run(&app, "ALTER TABLE payouts DROP CONSTRAINT broken").await;
    until("it is paid", || async {
        app.balance("partner123", "paid_out").await == "150.00"
    })
    .await;
    assert_eq!(app.provider.taken().await.len(), 1);
}
