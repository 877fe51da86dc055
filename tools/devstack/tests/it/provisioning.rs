//! Provisioning repeats, compares and names what differs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode, Uri};
use devstack::infra;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::provision::{Admin, Answer, Look, Mode, Place, Step};
use devstack::settings::{Settings, variable};
use devstack::stack::testing::{PULSAR_ADMIN_URL, from_test_run, scratch};
use schemas::{Service, Topic};
use serde_json::json;
use tokio::net::TcpListener;

/// A namespace of this test's own.
#[expect(clippy::unwrap_used, reason = "a test's helper")]
fn place(namespace: &str, partitions: u32) -> Place {
    let admin = Admin::new(&from_test_run(PULSAR_ADMIN_URL), None).unwrap();
    Place {
        admin,
        tenant: "xtask-tests".into(),
        namespace: namespace.into(),
        partitions,
    }
}

#[tokio::test]
async fn provisioning_again_changes_nothing() {
    let place = place("again", 1);
    let first = place.provision().await.unwrap();
    assert!(
        first
            .iter()
            .any(|line| line == "registered the schema of payment-events"),
        "{first:#?}"
    );
    assert_eq!(place.provision().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_follower_has_a_subscription_on_every_partition() {
    let place = place("followers", 4);
    place.provision().await.unwrap();
    for topic in Topic::ALL {
        let mut wanted: Vec<&str> = topic
            .followers()
            .into_iter()
            .map(schemas::Service::name)
            .collect();
        wanted.sort_unstable();
        for partition in 0..4 {
            let path = format!(
                "persistent/{}/{topic}-partition-{partition}/subscriptions",
                place.path()
            );
            let mut found: Vec<String> =
                serde_json::from_value(place.admin.get(&path).await.unwrap()).unwrap();
            found.sort_unstable();
            assert_eq!(found, wanted, "{topic}, partition {partition}");
        }
    }
}

#[tokio::test]
async fn another_partition_count_is_an_error() {
    place("count", 1).provision().await.unwrap();
    let refused = place("count", 2).provision().await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("PULSAR_TOPIC_PARTITIONS says 2"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn a_policy_that_drops_messages_is_taken_away_and_named() {
    let place = place("policies", 1);
    place.provision().await.unwrap();
    let ttl = format!("namespaces/{}/messageTTL", place.path());
    place.admin.post(&ttl, &json!(60)).await.unwrap();
    let validation = format!("namespaces/{}/schemaValidationEnforced", place.path());
    place.admin.post(&validation, &json!(false)).await.unwrap();
    let report = place.provision().await.unwrap();
    assert_eq!(report.len(), 2, "{report:#?}");
    assert!(
        report[0].contains("schemaValidationEnforced: true (was false)"),
        "{report:#?}"
    );
    assert!(
        report[1].contains("messageTTL: removed (was 60)"),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_limit_that_only_one_topic_has_is_found_too() {
    let place = place("topic-limit", 1);
    place.provision().await.unwrap();
    let path = format!("persistent/{}/payment-events/messageTTL", place.path());
    let set = format!("{path}?messageTTL=60");
    place.admin.post(&set, &json!(null)).await.unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    // Topic policies travel by a topic of their own.
    while place.admin.find(&path).await.unwrap() != Some(json!(60)) {
        assert!(Instant::now() < end, "the policy does not arrive");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let report = place.provision().await.unwrap();
    assert_eq!(
        report,
        ["payment-events: no message TTL (was 60 s), it drops unacknowledged messages"]
    );
}

#[tokio::test]
async fn a_quota_that_evicts_is_refused_with_its_name() {
    let place = place("eviction", 1);
    place.provision().await.unwrap();
    let path = format!("namespaces/{}/backlogQuota", place.path());
    let quota =
        json!({"limitSize": 1_000_000, "limitTime": -1, "policy": "consumer_backlog_eviction"});
    place.admin.post(&path, &quota).await.unwrap();
    let refused = place.provision().await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("backlog quota destination_storage"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_with_what_to_do() {
    let place = place("schema", 1);
    place.provision().await.unwrap();
    let path = format!("schemas/{}/campaign-events/schema", place.path());
    let other = r#"{"type":"record","name":"Other","fields":[{"name":"a","type":"long"}]}"#;
    let body = json!({"type": "AVRO", "schema": other, "properties": {}});
    place.admin.delete(&path).await.unwrap();
    place.admin.post(&path, &body).await.unwrap();
    let refused = place.provision().await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("./stop.sh --wipe"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn an_older_builds_schema_is_there_after_a_newer_one_registered_its_own() {
    let place = place("newer-schema", 1);
    place.provision().await.unwrap();
    let mut newer: serde_json::Value = serde_json::from_str(Topic::CampaignEvents.avsc()).unwrap();
    let field = json!({"name": "of_a_newer_build", "type": ["null", "string"], "default": null});
    newer["fields"].as_array_mut().unwrap().push(field);
    let path = format!("schemas/{}/campaign-events/schema", place.path());
    let body = json!({"type": "AVRO", "schema": newer.to_string(), "properties": {}});
    assert_eq!(place.admin.post(&path, &body).await.unwrap(), Answer::Done);
    let latest = place.admin.get(&path).await.unwrap();
    let text = latest["data"].as_str().unwrap();
    assert!(text.contains("of_a_newer_build"), "{latest}");
    let outcome = place.bring_up(Mode::Verify, false).await.unwrap();
    assert!(outcome.tasks.is_empty(), "{:#?}", outcome.tasks);
    assert_eq!(place.provision().await.unwrap(), Vec::<String>::new());
}

/// An admin interface that answers 404 to everything, and what it was sent.
async fn empty_broker() -> (String, Arc<Mutex<Vec<String>>>) {
    let sent = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&sent);
    let answer = move |method: Method, uri: Uri| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(format!("{method} {uri}"));
        std::future::ready(StatusCode::NOT_FOUND)
    };
    let router = Router::new().fallback(answer);
    (served(router).await, sent)
}

/// Where a server of this test's own is.
#[expect(clippy::unwrap_used, reason = "a test's helper")]
async fn served(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn a_number_of_partitions_that_no_service_takes_is_refused_by_its_name_before_anything_is_made()
 {
    let (url, sent) = empty_broker().await;
    let mut settings = Settings::example().unwrap();
    settings.set("PULSAR_ADMIN_URL", url);
    settings.set("BROKER_AUTH", "none");
    settings.set("PULSAR_TOPIC_PARTITIONS", "128");
    let provisioned = infra::provision(&Layout::find(), &settings, Mode::Change, &Progress).await;
    let refused = provisioned.map_err(|error| error.to_string());
    let wanted = "PULSAR_TOPIC_PARTITIONS=128: expected 1 to 64";
    assert_eq!(refused, Err(wanted.to_owned()));
    assert_eq!(*sent.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_broker_that_sends_to_another_is_reported_and_the_token_goes_nowhere_else() {
    let (there, sent_there) = empty_broker().await;
    let to = there.clone();
    let here = served(Router::new().fallback(move |uri: Uri| {
        let answer = (
            StatusCode::TEMPORARY_REDIRECT,
            [(LOCATION, format!("{to}{uri}"))],
        );
        std::future::ready(answer)
    }))
    .await;
    let admin = Admin::new(&here, Some("a token")).unwrap();
    let wanted = format!("the broker sends elsewhere to {there}, where the token is not shown");
    let Look::Denied(why) = admin.look("clusters").await.unwrap() else {
        panic!("it is no answer");
    };
    assert!(why.contains(&wanted), "{why}");
    let Answer::Denied(why) = admin
        .ask(Method::PUT, "tenants/t", Some(&json!({})))
        .await
        .unwrap()
    else {
        panic!("it is no answer");
    };
    assert!(why.contains(&wanted), "{why}");
    let refused = admin.get("clusters").await.unwrap_err().to_string();
    assert!(refused.contains(&wanted), "{refused}");
    assert_eq!(*sent_there.lock().unwrap(), Vec::<String>::new());
    // Who has no token has nothing to lose.
    let nobody = Admin::new(&here, None).unwrap();
    assert_eq!(nobody.look("clusters").await.unwrap(), Look::Absent);
    assert_eq!(sent_there.lock().unwrap().len(), 1);

    let step = Step {
        arguments: String::new(),
        method: Method::DELETE,
        path: "tenants/t".to_owned(),
        body: None,
        file: None,
    };
    let request = step.curl(&here, None);
    assert!(request.starts_with("curl -fsS -L --location-trusted -X DELETE"));
}

#[tokio::test]
async fn where_no_service_uses_a_broker_provisioning_ends_well_without_one() {
    let (url, sent) = empty_broker().await;
    // As in an image: no clone, and all by the environment.
    let mut command = tokio::process::Command::new(crate::built("tributary"));
    command.arg("provision").env_clear();
    command.env("TRIBUTARY_ROOT", scratch("no-clone"));
    command.env("PULSAR_ADMIN_URL", &url);
    for service in Service::with_topics() {
        command.env(variable(service, "SERVICE_MODE"), "http");
    }
    let ended = command.output().await.unwrap();
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{ended:?}");
    assert!(printed.contains("no service uses a broker"), "{printed}");
    assert_eq!(*sent.lock().unwrap(), Vec::<String>::new());
}
