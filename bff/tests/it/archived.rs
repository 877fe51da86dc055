//! The archive of a log that goes on under a raised epoch: most of the bff's streams have nothing, or nothing since.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use messaging::{Lookups, NewMessage, WriteTx};
use runtime::testing::{TestService, operator, serve, unmade_database, variables};
use schemas::{Service, Topic};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app;

/// Somebody who answers for every follower: campaign has so many of epoch 1, and nobody has anything else.
async fn followers(at: Arc<AtomicI64>) -> String {
    let stands = move |Query(of): Query<HashMap<String, String>>| {
        let is_handled = of["topic"] == Topic::CampaignCommands.name() && of["epoch"] == "1";
        let at = if is_handled {
            at.load(Ordering::SeqCst)
        } else {
            0
        };
        async move { axum::Json(json!({ "watermark": at, "mode": "http" })) }
    };
    let router = Router::new().route("/internal/v1/watermarks", get(stands));
    serve(router).await
}

async fn act(app: &TestService, path: &str, more: Value) -> Value {
    let mut body = more;
    body["reason"] = json!("a test");
    let path = format!("/api/v1/operator/bff/{path}");
    let (status, answer) = app.post(&path, &operator(), &body).await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

/// A log of 150 commands for campaign, which has all of them.
async fn logged(at: &Arc<AtomicI64>, more: &[(&str, String)]) -> TestService {
    let url = followers(Arc::clone(at)).await;
    let mut variables = variables(Service::Bff, &unmade_database());
    for (name, value) in more {
        variables.insert((*name).to_owned(), value.clone());
    }
    for follower in Service::Bff.others() {
        let variable = format!("{}_SERVICE_URL", follower.name().to_uppercase());
        variables.insert(variable, url.clone());
    }
    let app = TestService::start_with(bff::define, variables).await;
    let path = "/api/v1/campaigns/camp123/accept";
    let command = app::submitted(&app, &app::partner123(), path, &app::acceptance()).await;
    let mut tx = WriteTx::begin(app.pool(), app.host.writer(), Lookups::default())
        .await
        .unwrap();
    for _ in tx.position()..150 {
        let again = NewMessage {
            id: Uuid::now_v7(),
            topic: Topic::CampaignCommands,
            key: command.header.key.clone(),
            subject: command.header.subject.clone(),
            body: command.body.clone(),
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            outcome_of: None,
            actor: command.header.actor.clone(),
            traceparent: None,
        };
        tx.append(again).unwrap();
    }
    tx.commit().await.unwrap();
    at.store(150, Ordering::SeqCst);
    app
}

#[tokio::test]
async fn what_everybody_has_passed_is_dropped_although_nothing_was_published_since_an_epoch_was_raised()
 {
    let at = Arc::new(AtomicI64::new(0));
    let folder = std::env::temp_dir().join(format!("tributary-{}", Uuid::now_v7()));
    let archive = ("ARCHIVE_FOLDER", folder.display().to_string());
    let app = logged(
        &at,
        &[("LOG_PARTITION_POSITIONS", "64".to_owned()), archive],
    )
    .await;

    let raised = act(&app, "epoch/raise", json!({})).await;
    assert_eq!(raised["epoch"], 2, "{raised}");
    for verb in ["archive/run", "archive/verify"] {
        act(&app, verb, json!({})).await;
    }
    let dropped = act(&app, "archive/drop", json!({ "keep_positions": 0 })).await;
    assert_eq!(dropped["dropped_to"], 127, "{dropped}");
    app.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// A follower that went back to before the raise has nothing of the new epoch, and not all of the old one.
#[tokio::test]
async fn a_follower_is_behind_by_what_it_lacks_of_an_epoch_that_is_over() {
    let at = Arc::new(AtomicI64::new(0));
    let app = logged(&at, &[]).await;
    let raised = act(&app, "epoch/raise", json!({})).await;
    assert_eq!(raised["epoch"], 2, "{raised}");
    for (handled, behind) in [(150, 0), (100, 50)] {
        at.store(handled, Ordering::SeqCst);
        let (_, streams) = app.get("/api/v1/operator/bff/streams", &operator()).await;
        let mut published = streams["published"].as_array().unwrap().iter();
        let of_campaign = published.find(|it| it["topic"] == Topic::CampaignCommands.name());
        let of_campaign = of_campaign.unwrap();
        assert_eq!(of_campaign["epoch"], 2, "{streams}");
        let followers = of_campaign["followers"].as_array().unwrap();
        let campaign = followers.iter().find(|it| it["service"] == "campaign");
        assert_eq!(campaign.unwrap()["behind"], behind, "{streams}");
    }
    app.stop().await;
}
