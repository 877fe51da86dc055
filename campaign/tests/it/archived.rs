//! A log whose old part left the table reads, streams, lists and replays as before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use campaign::CampaignDomain;
use messaging::{Lookups, WriteTx};
use operations::archive;
use runtime::testing::{self, TestService, operator, serve};
use schemas::Topic;
use serde_json::{Value, json};

use crate::app;
use crate::event_store::{COMMANDS, EVENTS, listen};

const ARCHIVE: &str = "/api/v1/operator/campaign/archive";
/// Three events each.
const CAMPAIGNS: usize = 70;

/// A service with a log of some partitions of 64 positions, and the folder of its archive.
async fn long_log() -> (TestService, PathBuf) {
    long_log_followed_at("http://127.0.0.1:9").await
}

async fn long_log_followed_at(followers: &str) -> (TestService, PathBuf) {
    let folder = std::env::temp_dir().join(format!("tributary-{}", uuid::Uuid::now_v7()));
    let url = testing::unmade_database();
    let mut variables = testing::variables(schemas::Service::Campaign, &url);
    variables.insert("LOG_PARTITION_POSITIONS".to_owned(), "64".to_owned());
    variables.insert("ARCHIVE_FOLDER".to_owned(), folder.display().to_string());
    for follower in Topic::CampaignEvents.followers() {
        let variable = format!("{}_SERVICE_URL", follower.name().to_uppercase());
        variables.insert(variable, followers.to_owned());
    }
    let service = TestService::start_with::<CampaignDomain>(campaign::define, variables).await;
    for number in 0..CAMPAIGNS {
        app::active_campaign(&service, &format!("camp{number}")).await;
    }
    (service, folder)
}

async fn act(service: &TestService, verb: &str, expected: StatusCode) -> Value {
    let why = json!({ "reason": "a test" });
    app::post(
        service,
        &format!("{ARCHIVE}/{verb}"),
        &operator(),
        &why,
        expected,
    )
    .await
}

/// Archives and verifies through the routes, and drops what the followers, who do not run here, would let go.
async fn drop_old_part(service: &TestService) {
    let written = act(service, "run", StatusCode::OK).await;
    assert_eq!(written["parts"].as_array().unwrap().len(), 3, "{written}");
    let verified = act(service, "verify", StatusCode::OK).await;
    assert_eq!(verified["parts"].as_array().unwrap().len(), 3, "{verified}");
    let refused = act(service, "drop", StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(refused["code"], "follower_unavailable", "{refused}");
    let pool = service.pool();
    let mut tx = WriteTx::begin(pool, service.host.writer(), Lookups::default())
        .await
        .unwrap();
    assert_eq!(archive::drop_below(&mut tx, 130).await.unwrap(), 127);
    tx.commit().await.unwrap();
}

/// Somebody who answers for every follower: each stands at this message.
async fn followers(at: Arc<AtomicI64>) -> String {
    let stands = move || {
        let at = at.load(Ordering::SeqCst);
        async move { axum::Json(json!({ "watermark": at, "mode": "http" })) }
    };
    let router = Router::new().route("/internal/v1/watermarks", get(stands));
    serve(router).await
}

/// All items of a list, page by page.
async fn all(service: &TestService, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app::get(service, &format!("{path}&limit=17{cursor}"), &operator()).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            return items;
        };
        cursor = format!("&cursor={next}");
    }
}

async fn seen(service: &TestService) -> Vec<Vec<Value>> {
    let mut seen = Vec::new();
    for query in [
        "order=newest",
        "order=oldest",
        "order=newest&subject=camp3",
        "order=oldest&subject=camp3",
        "order=newest&type=terms.published.v1",
        "order=newest&from=128",
        "order=oldest&from=127",
    ] {
        seen.push(all(service, &format!("{EVENTS}?{query}")).await);
    }
    for position in [1, 127, 128] {
        seen.push(vec![
            app::get(service, &format!("{EVENTS}/{position}"), &operator()).await,
        ]);
    }
    for query in ["state=done", "subject=camp5", "actor=nobody"] {
        seen.push(all(service, &format!("{COMMANDS}?{query}")).await);
    }
    let live = listen(service, "after=0", None, 3 * CAMPAIGNS).await;
    seen.push(live.into_iter().map(Value::from).collect());
    let live = listen(service, "after=0&subject=camp3", None, 3).await;
    seen.push(live.into_iter().map(Value::from).collect());
    seen
}

async fn end(service: TestService, folder: &Path) {
    service.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_left_the_table_is_searched_streamed_and_listed_as_before() {
    let (service, folder) = long_log().await;
    let before = seen(&service).await;
    assert_eq!(before[0].len(), 3 * CAMPAIGNS);
    assert_eq!(before[10].len(), 3 * CAMPAIGNS, "every command");
    drop_old_part(&service).await;
    let (left, _) = service
        .get(&format!("{ARCHIVE}?limit=1"), &operator())
        .await;
    assert_eq!(left, StatusCode::OK);
    let after = seen(&service).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    end(service, &folder).await;
}

#[tokio::test]
async fn what_a_follower_has_not_passed_or_a_file_has_lost_stays_in_the_table() {
    let at = Arc::new(AtomicI64::new(100));
    let (service, folder) = long_log_followed_at(&followers(at.clone()).await).await;
    act(&service, "run", StatusCode::OK).await;
    act(&service, "verify", StatusCode::OK).await;
    let path = format!("{ARCHIVE}/drop");
    let drop = async |keep: i64, expected: StatusCode| {
        let body = json!({ "reason": "a test", "keep_positions": keep });
        app::post(&service, &path, &operator(), &body, expected).await
    };
    drop(-1, StatusCode::UNPROCESSABLE_ENTITY).await;
    let dropped = drop(150, StatusCode::OK).await;
    assert_eq!(
        dropped["dropped_to"], 0,
        "60 of 210 are not kept: {dropped}"
    );
    let dropped = drop(0, StatusCode::OK).await;
    assert_eq!(dropped["dropped_to"], 63, "{dropped}");
    assert_eq!(dropped["floor"], 100, "{dropped}");
    let held_by = dropped["held_by"].as_str().unwrap();
    assert!(held_by.contains("at message 100 of"), "{held_by}");

    at.store(210, Ordering::SeqCst);
    let parts = app::get(&service, ARCHIVE, &operator()).await;
    let file = folder.join(parts["items"][1]["file"].as_str().unwrap());
    let kept = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"lost").unwrap();
    let refused = drop(0, StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "archive_damaged", "{refused}");
    std::fs::write(&file, kept).unwrap();
    let dropped = drop(0, StatusCode::OK).await;
    assert_eq!(dropped["dropped_to"], 191, "{dropped}");
    let (_, audit) = service
        .get(
            "/api/v1/operator/campaign/audit?action=archive.drop",
            &operator(),
        )
        .await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 3, "{audit}");
    end(service, &folder).await;
}

#[tokio::test]
async fn a_replay_over_what_left_the_table_finds_what_hands_changed_and_nothing_else() {
    let (service, folder) = long_log().await;
    drop_old_part(&service).await;
    let verified = service.replay("verify").await;
    assert_eq!(verified["report"]["different"], 0, "{verified}");
    assert_eq!(verified["report"]["events"], 3 * CAMPAIGNS, "{verified}");
    service
        .assert_replay_finds_and_mends_what_hands_changed::<CampaignDomain>()
        .await;
    end(service, &folder).await;
}

#[tokio::test]
async fn a_repeated_request_whose_outcome_left_the_table_is_answered_as_at_first() {
    let (service, folder) = long_log().await;
    let ask = async || {
        let brand = testing::brand("brand1");
        let body = app::campaign("again");
        service
            .post_with_key(app::CAMPAIGNS, &brand, "once", &body)
            .await
    };
    let first = ask().await;
    for number in 0..CAMPAIGNS {
        app::active_campaign(&service, &format!("later{number}")).await;
    }
    act(&service, "run", StatusCode::OK).await;
    act(&service, "run", StatusCode::OK).await;
    act(&service, "verify", StatusCode::OK).await;
    act(&service, "verify", StatusCode::OK).await;
    let mut tx = WriteTx::begin(service.pool(), service.host.writer(), Lookups::default())
        .await
        .unwrap();
    assert_eq!(archive::drop_below(&mut tx, 300).await.unwrap(), 255);
    tx.commit().await.unwrap();
    assert_eq!(ask().await, first);
    end(service, &folder).await;
}

#[tokio::test]
async fn each_part_that_was_read_back_is_audited_although_a_later_one_is_damaged() {
    let (service, folder) = long_log().await;
    act(&service, "run", StatusCode::OK).await;
    let parts = app::get(&service, ARCHIVE, &operator()).await;
    let newest = folder.join(parts["items"][0]["file"].as_str().unwrap());
    std::fs::write(newest, b"lost").unwrap();
    let refused = act(&service, "verify", StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "archive_damaged", "{refused}");
    for (action, count) in [("archive.run", 3), ("archive.verify", 2)] {
        let path = format!("/api/v1/operator/campaign/audit?action={action}");
        let audit = app::get(&service, &path, &operator()).await;
        let acts = audit["items"].as_array().unwrap();
        assert_eq!(acts.len(), count, "{audit}");
        assert_eq!(acts[count - 1]["target"], "positions 1 to 63", "{audit}");
    }
    end(service, &folder).await;
}

#[tokio::test]
async fn every_part_is_read_back_once_more_and_one_whose_file_is_lost_is_written_again() {
    let (service, folder) = long_log().await;
    drop_old_part(&service).await;
    let post = async |verb: &str, body: Value, expected: StatusCode| {
        let path = format!("{ARCHIVE}/{verb}");
        app::post(&service, &path, &operator(), &body, expected).await
    };
    let file = |answer: &Value, at: usize| {
        let name = answer["parts"][at]["file"].as_str().unwrap();
        folder.join(name)
    };
    let every = json!({ "reason": "a test", "from_position": 1 });
    let verified = post("verify", every.clone(), StatusCode::OK).await;
    let parts = verified["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 3, "{verified}");
    assert!(parts[0]["dropped_at"].is_string(), "{verified}");

    let again = |position: i64| json!({ "reason": "a test", "again_from": position });
    let refused = post("run", again(127), StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "archive_refused", "{refused}");
    std::fs::remove_file(file(&verified, 2)).unwrap();
    let missing = post("verify", every.clone(), StatusCode::OK).await;
    assert_eq!(missing["damaged"][0]["from_position"], 128, "{missing}");
    let taken_back = post("run", again(128), StatusCode::OK).await;
    assert_eq!(taken_back["more"], true, "{taken_back}");
    let written = act(&service, "run", StatusCode::OK).await;
    assert_eq!(written["parts"].as_array().unwrap().len(), 1, "{written}");
    post("verify", every.clone(), StatusCode::OK).await;
    let audit = "/api/v1/operator/campaign/audit?action=archive.run_again";
    let audit = app::get(&service, audit, &operator()).await;
    assert_eq!(
        audit["items"][0]["target"], "positions 128 to 191",
        "{audit}"
    );

    // Its rows are in the file alone, and nothing else would find that it changed.
    let dropped = file(&verified, 0);
    let mut bytes = std::fs::read(&dropped).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&dropped, bytes).unwrap();
    act(&service, "verify", StatusCode::OK).await;
    let found = post("verify", every, StatusCode::OK).await;
    let damaged = found["damaged"].as_array().unwrap();
    assert_eq!(damaged.len(), 1, "{found}");
    assert_eq!(damaged[0]["from_position"], 1, "{found}");
    assert_eq!(damaged[0]["to_position"], 63, "{found}");
    assert!(damaged[0]["detail"].is_string(), "{found}");
    let others = found["parts"].as_array().unwrap();
    assert_eq!(
        others.len(),
        2,
        "it keeps no other from being read: {found}"
    );
    end(service, &folder).await;
}

#[tokio::test]
async fn a_file_that_is_missing_keeps_no_other_from_being_read_back_and_none_that_is_damaged_from_being_named()
 {
    let (service, folder) = long_log().await;
    act(&service, "run", StatusCode::OK).await;
    let parts = app::get(&service, ARCHIVE, &operator()).await;
    let file = |newest: usize| folder.join(parts["items"][newest]["file"].as_str().unwrap());
    std::fs::write(file(2), b"lost").unwrap();
    std::fs::remove_file(file(1)).unwrap();
    let verify = async |body: Value, expected: StatusCode| {
        let path = format!("{ARCHIVE}/verify");
        app::post(&service, &path, &operator(), &body, expected).await
    };
    let every = json!({ "reason": "a test", "from_position": 1 });
    let found = verify(every.clone(), StatusCode::OK).await;
    let begins = |name: &str| -> Vec<Value> {
        let all = found[name].as_array().unwrap().iter();
        all.map(|part| part["from_position"].clone()).collect()
    };
    assert_eq!(begins("damaged"), [1, 64], "{found}");
    assert_eq!(begins("parts"), [128], "{found}");

    // What cannot be read at all ends the act, behind an answer with what was found.
    std::fs::create_dir(file(1)).unwrap();
    let found = verify(every.clone(), StatusCode::OK).await;
    assert_eq!(found["damaged"][0]["from_position"], 1, "{found}");
    assert_eq!(found["more"], true, "{found}");
    let behind = json!({ "reason": "a test", "from_position": 64 });
    let ended = verify(behind, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(ended["code"], "archive_unavailable", "{ended}");

    // Without its mount it is an empty folder: that says nothing of files.
    let elsewhere = folder.with_extension("elsewhere");
    std::fs::rename(&folder, &elsewhere).unwrap();
    for is_there in [false, true] {
        if is_there {
            std::fs::create_dir(&folder).unwrap();
        }
        let away = verify(every.clone(), StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(away["code"], "archive_unavailable", "{away}");
    }
    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&elsewhere, &folder).unwrap();
    end(service, &folder).await;
}
