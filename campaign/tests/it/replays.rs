//! Tables made again from the log beside the running service.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use runtime::testing::{self, rows};
use serde_json::json;

use crate::app::{self, CAMPAIGNS, EVIDENCE};

const REPLAYS: &str = "/api/v1/operator/campaign/replays";
/// Begins what is held for as long as a test takes.
const HELD: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";

#[tokio::test]
async fn a_replay_finds_rows_that_hands_changed_removed_or_added_and_a_swap_mends_them() {
    let service = app::start().await;
    for campaign in ["camp1", "camp2", "camp3"] {
        app::active_campaign(&service, campaign).await;
        let partner = testing::partner("partner1");
        let path = format!("{CAMPAIGNS}/{campaign}/accept");
        app::post(&service, &path, &partner, &app::yes(), StatusCode::CREATED).await;
        app::post(
            &service,
            EVIDENCE,
            &partner,
            &app::photo(campaign),
            StatusCode::CREATED,
        )
        .await;
    }
    service
        .assert_replay_finds_and_mends_what_hands_changed::<CampaignDomain>()
        .await;
    let (_, audit) = service
        .get("/api/v1/operator/campaign/audit", &testing::operator())
        .await;
    assert_eq!(audit["items"][0]["action"], "replay.swap", "{audit}");

    // The old tables are kept until they are dropped, which is audited too.
    let (_, list) = service.get(REPLAYS, &testing::operator()).await;
    let name = list["replaced"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(list["tables_fold_version"], list["fold_version"]);
    let kept = rows(service.pool(), &format!("{name}.campaigns")).await;
    assert_eq!(kept.len(), 3, "as hands left them");
    for (name, expected) in [
        (&*name, StatusCode::NO_CONTENT),
        (&*name, StatusCode::NOT_FOUND),
        ("public", StatusCode::NOT_FOUND),
    ] {
        let path = format!("{REPLAYS}/replaced/{name}/drop");
        let why = json!({ "reason": "looked at" });
        app::post(&service, &path, &testing::operator(), &why, expected).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn only_operators_replay_and_a_swap_needs_a_reason() {
    let service = app::start().await;
    let (brand, verify) = (testing::brand("brand1"), json!({ "kind": "verify" }));
    app::post(&service, REPLAYS, &brand, &verify, StatusCode::FORBIDDEN).await;
    let swap = json!({ "kind": "swap" });
    let refused = app::post(
        &service,
        REPLAYS,
        &testing::operator(),
        &swap,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await;
    assert_eq!(refused["errors"][0]["pointer"], "/reason");
    let verified = service.replay("verify").await;
    assert_eq!(verified["report"]["different"], 0);
    service.stop().await;
}

#[tokio::test]
async fn one_replay_at_a_time_is_under_way_in_all_processes() {
    let service = app::start().await;
    // As long as this holds a table that is compared, a replay goes on.
    let mut held = messaging::begin(service.pool(), HELD).await.unwrap();
    sqlx::raw_sql("LOCK TABLE campaigns IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let verify = json!({ "kind": "verify" });
    let first = app::post(
        &service,
        REPLAYS,
        &testing::operator(),
        &verify,
        StatusCode::ACCEPTED,
    )
    .await;
    let second = app::post(
        &service,
        REPLAYS,
        &testing::operator(),
        &verify,
        StatusCode::CONFLICT,
    )
    .await;
    assert_eq!(second["code"], "replay_under_way", "{second}");
    held.rollback().await.unwrap();
    let path = format!("{REPLAYS}/{}", first["id"].as_str().unwrap());
    testing::until("the first ends", || async {
        app::get(&service, &path, &testing::operator()).await["finished_at"].is_string()
    })
    .await;

    // What another process holds while it rebuilds.
    let mut other = messaging::begin(service.pool(), HELD).await.unwrap();
    sqlx::raw_sql(messaging::AdvisoryLock::Replay.hold())
        .execute(&mut *other)
        .await
        .unwrap();
    let failed = service.replay_that_ends("verify", "failed").await;
    let reported = failed["error"].as_str().unwrap();
    assert!(reported.contains("under way"), "{reported}");
    other.rollback().await.unwrap();
    service.stop().await;
}

/// Has every note of a replay's end fail, and counts them.
const ENDS_ARE_REFUSED: &str = "CREATE SCHEMA hands; CREATE SEQUENCE hands.tries;
     CREATE FUNCTION hands.refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM nextval('hands.tries'); RAISE EXCEPTION 'not now'; END $$;
     CREATE TRIGGER refused BEFORE UPDATE ON pipeline.replay_job FOR EACH ROW
        WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION hands.refuse()";

#[tokio::test]
async fn a_replay_whose_end_cannot_be_noted_yet_is_not_interrupted_and_ends_once_it_can() {
    let service = app::start().await;
    let run = async |sql: &'static str| {
        let ran = sqlx::raw_sql(sql).execute(service.pool()).await;
        ran.unwrap();
    };
    run(ENDS_ARE_REFUSED).await;
    let (operator, verify) = (testing::operator(), json!({ "kind": "verify" }));
    let job = app::post(&service, REPLAYS, &operator, &verify, StatusCode::ACCEPTED).await;
    let job = format!("{REPLAYS}/{}", job["id"].as_str().unwrap());
    // A job that is younger is never taken for one whose process is gone.
    run("UPDATE pipeline.replay_job SET started_at = started_at - 60000000").await;
    testing::until("its end was tried twice", || async {
        sqlx::query_scalar("SELECT is_called AND last_value > 1 FROM hands.tries")
            .fetch_one(service.pool())
            .await
            .unwrap()
    })
    .await;
    let replay = app::get(&service, &job, &operator).await;
    assert_eq!(replay["phase"], "done", "{replay}");
    assert!(replay["finished_at"].is_null(), "{replay}");
    run("DROP TRIGGER refused ON pipeline.replay_job").await;
    testing::until("it ends", || async {
        app::get(&service, &job, &operator).await["finished_at"].is_string()
    })
    .await;
    let replay = app::get(&service, &job, &operator).await;
    assert_eq!(replay["phase"], "done", "{replay}");
    assert_eq!(replay["report"]["different"], 0, "{replay}");
    service.stop().await;
}

#[tokio::test]
async fn a_swap_undoes_no_migration_that_came_while_the_tables_were_made_again() {
    let service = app::start().await;
    // A reader of one table: nothing is put in place before it ends.
    let mut reader = messaging::begin(service.pool(), HELD).await.unwrap();
    sqlx::raw_sql("SELECT FROM campaigns")
        .execute(&mut *reader)
        .await
        .unwrap();
    let order = json!({ "kind": "swap", "reason": "mended" });
    let operator = testing::operator();
    let job = app::post(&service, REPLAYS, &operator, &order, StatusCode::ACCEPTED).await;
    let job = format!("{REPLAYS}/{}", job["id"].as_str().unwrap());
    testing::until("it is to be put in place", || async {
        app::get(&service, &job, &operator).await["phase"] == "swapping"
    })
    .await;
    sqlx::raw_sql(
        "BEGIN; ALTER TABLE plans ADD COLUMN newer text;
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (900000, 'newer', true, '', 0); COMMIT",
    )
    .execute(service.pool())
    .await
    .unwrap();
    reader.rollback().await.unwrap();
    testing::until("it ends", || async {
        app::get(&service, &job, &operator).await["finished_at"].is_string()
    })
    .await;
    let ended = app::get(&service, &job, &operator).await;
    assert_eq!(ended["phase"], "failed", "{ended}");
    let error = ended["error"].as_str().unwrap();
    assert!(error.contains("migrated"), "{error}");
    sqlx::raw_sql("SELECT newer FROM plans")
        .execute(service.pool())
        .await
        .unwrap();
    // Begun anew it is of the newer tables.
    service.replay_that_ends("swap", "done").await;
    sqlx::raw_sql("SELECT newer FROM plans")
        .execute(service.pool())
        .await
        .unwrap();
    service.stop().await;
}

#[tokio::test]
async fn a_table_that_is_not_declared_stops_a_replay() {
    let service = app::start().await;
    sqlx::raw_sql("CREATE TABLE stray (id bigint)")
        .execute(service.pool())
        .await
        .unwrap();
    let failed = service.replay_that_ends("swap", "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("stray"));
    service.stop().await;
}

#[tokio::test]
async fn replays_under_load_lose_nothing_and_find_nothing() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let (over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let write = |writer: usize| {
        let (service, brand, over, made) = (&service, &brand, &over, &made);
        async move {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                let id = format!("camp_{writer}_{number}");
                app::post(
                    service,
                    CAMPAIGNS,
                    brand,
                    &app::campaign(&id),
                    StatusCode::CREATED,
                )
                .await;
                let path = format!("{CAMPAIGNS}/{id}/terms");
                app::post(service, &path, brand, &app::terms(), StatusCode::CREATED).await;
                app::get(service, &format!("{CAMPAIGNS}/{id}"), brand).await;
                app::get(service, CAMPAIGNS, brand).await;
                number += 1;
                made.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let replay = async {
        for kind in ["verify", "swap", "verify", "swap", "verify"] {
            let before = made.load(Ordering::Relaxed);
            let replay = service.replay(kind).await;
            assert_eq!(replay["report"]["different"], 0, "{kind}: {replay}");
            testing::until("writers go on", || async {
                made.load(Ordering::Relaxed) > before + 5
            })
            .await;
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(replay, write(0), write(1), write(2), write(3));

    let campaigns = rows(service.pool(), "campaigns").await;
    assert_eq!(
        campaigns.len(),
        made.load(Ordering::Relaxed),
        "every answered campaign stands"
    );
    service
        .assert_state_is_the_fold_of_its_log(
            &CampaignDomain,
            &MIGRATIONS,
            &["campaigns", "terms", "plans"],
        )
        .await;
    service.stop().await;
}
