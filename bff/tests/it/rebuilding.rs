//! Read models made again from the logs of those that are followed.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use bff::Projections;
use messaging::transport::history;
use messaging::transport::http::InternalKey;
use messaging::{AdvisoryLock, Answer, Lookups, NewMessage, SchemaIds, Tables, WriteTx, Writer};
use operations::{fencing, replay};
use runtime::testing::{
    self, SECRET, TestService, new_database, serve, unmade_database, until, variables,
};
use schemas::{Body, ConversionAttributedV1, EnrollmentEndedV1, Message, Service, Topic};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use types::EnrollmentStatus;
use uuid::Uuid;

use crate::app::{self, calculated, payout_requested, posted};
use crate::reads_of_programmes::sold;

/// A service that is followed: its log, and the route by which it is read.
struct Sender {
    pool: PgPool,
    writer: Writer,
    topic: Topic,
    base_url: String,
    door: Arc<Door>,
}

/// Before its log: somebody came, how many may go in, how many are turned away first, and who decides about each.
struct Door {
    knocked: Notify,
    open: Semaphore,
    turned_away: AtomicUsize,
    doorkeeper: Mutex<Option<mpsc::UnboundedSender<oneshot::Sender<bool>>>>,
}

impl Door {
    /// What comes from now on: each request waits for whether it may go in.
    fn attended(&self) -> mpsc::UnboundedReceiver<oneshot::Sender<bool>> {
        let (doorkeeper, requests) = mpsc::unbounded_channel();
        *self.doorkeeper.lock().unwrap() = Some(doorkeeper);
        requests
    }

    /// Whether one goes in, who waits until that is decided.
    async fn lets_in(&self) -> bool {
        let doorkeeper = self.doorkeeper.lock().unwrap().clone();
        let Some(doorkeeper) = doorkeeper else {
            return true;
        };
        let (decide, decided) = oneshot::channel();
        // Once nobody decides any more, all go in.
        doorkeeper.send(decide).is_err() || decided.await.unwrap_or(true)
    }
}

impl Sender {
    async fn start(service: Service) -> Self {
        Self::start_with(service, 1).await
    }

    async fn start_with(service: Service, partitions: u32) -> Self {
        let url = new_database().await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        messaging::migrate(&mut connection).await.unwrap();
        let pool = PgPool::connect_lazy(&url).unwrap();
        let schema_ids = SchemaIds::open(&pool).await.unwrap();
        let key = InternalKey::new(SecretString::from(SECRET));
        let door = Arc::new(Door {
            knocked: Notify::new(),
            open: Semaphore::new(Semaphore::MAX_PERMITS),
            turned_away: AtomicUsize::new(0),
            doorkeeper: Mutex::new(None),
        });
        let before = Arc::clone(&door);
        let wait = move |request: Request, next: Next| {
            let door = Arc::clone(&before);
            async move {
                door.knocked.notify_one();
                let _open = door.open.acquire().await.unwrap();
                let left = |left: usize| left.checked_sub(1);
                let left = door.turned_away.fetch_update(SeqCst, SeqCst, left);
                if left.is_ok() || !door.lets_in().await {
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                next.run(request).await
            }
        };
        let router = history::router(pool.clone(), schema_ids.clone(), key, service)
            .route_layer(middleware::from_fn(wait));
        let base_url = serve(router).await;
        let writer = Writer::of(service, partitions, schema_ids);
        Self {
            pool,
            writer,
            topic: service.events_topic().unwrap(),
            base_url,
            door,
        }
    }

    /// Appends events and returns them as followers get them.
    async fn append(&self, events: &[(&str, Body, Option<&Message>)]) -> Vec<Message> {
        let lookups = Lookups::default();
        let mut tx = WriteTx::begin(&self.pool, &self.writer, lookups)
            .await
            .unwrap();
        let mut messages = Vec::new();
        let key = (self.writer.partitions == 1).then_some("partner1");
        for (subject, body, command) in events {
            let new = NewMessage {
                id: Uuid::now_v7(),
                topic: self.topic,
                // By their subjects where there are several partitions.
                key: key.unwrap_or(subject).to_owned(),
                subject: (*subject).to_owned(),
                body: body.clone(),
                correlation_id: Uuid::now_v7(),
                causation_id: command.map(|command| command.header.id),
                outcome_of: command.map(|command| command.header.id),
                actor: command.and_then(|command| command.header.actor.clone()),
                traceparent: None,
            };
            messages.push(tx.append(new).unwrap().0);
        }
        tx.commit().await.unwrap();
        messages
    }

    async fn emit(&self, app: &TestService, events: &[(&str, Body, Option<&Message>)]) {
        let messages = self.append(events).await;
        for answer in app.deliver_all(self.topic, messages).await {
            assert_eq!(answer.name(), "done");
        }
    }
}

/// A bff that follows these.
async fn following(senders: &[(&str, &Sender)]) -> TestService {
    let mut variables = variables(Service::Bff, &unmade_database());
    for (name, sender) in senders {
        variables.insert(format!("{name}_SERVICE_URL"), sender.base_url.clone());
    }
    TestService::start_with(bff::define, variables).await
}

/// So much becomes payable to a partner.
fn moved(cents: i64) -> (&'static str, Body, Option<&'static Message>) {
    let body = posted("brand:brand1:funds", "partner:partner1:payable", cents);
    ("partner1", body, None)
}

#[tokio::test]
async fn read_models_are_made_again_from_the_logs_of_their_senders() {
    let [campaign, commission, payment] =
        [Service::Campaign, Service::Commission, Service::Payment].map(Sender::start);
    let (campaign, commission, payment) = tokio::join!(campaign, commission, payment);
    let app = following(&[
        ("CAMPAIGN", &campaign),
        ("COMMISSION", &commission),
        ("PAYMENT", &payment),
    ])
    .await;
    let app = Arc::new(app);
    let token = app::partner123();
    let command = app::submitted(
        &app,
        &token,
        "/api/v1/campaigns/camp123/accept",
        &app::acceptance(),
    )
    .await;
    campaign
        .emit(&app, &[("enr1", app::accepted(), Some(&command))])
        .await;
    for number in 0..4 {
        let id = format!("conversion{number}");
        let body = calculated("partner1", "brand1", 1_000 + number, "approved");
        commission.emit(&app, &[(&id, body, None)]).await;
        let debit = format!("brand:brand{number}:funds");
        let moved = posted(&debit, "partner:partner1:payable", 1_000 + number);
        let payout = format!("payout{number}");
        payment
            .emit(
                &app,
                &[
                    ("partner1", moved, None),
                    (&payout, payout_requested(100), None),
                ],
            )
            .await;
    }
    assert_eq!(app::count(&app, "payouts").await, 4);
    app.assert_replay_finds_and_mends_what_hands_changed::<Projections>()
        .await;
    assert_eq!(app::count(&app, "payouts").await, 4);

    // What comes afterwards goes on from there: nothing is missed and nothing counts twice.
    let before = testing::rows(app.pool(), "balances").await;
    let moved = posted("brand:brand0:funds", "partner:partner9:payable", 5);
    payment.emit(&app, &[("partner9", moved, None)]).await;
    let after = testing::rows(app.pool(), "balances").await;
    assert_eq!(after.len(), before.len() + 1);
    let clean = app.replay("verify").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
    assert_eq!(clean["events"], 14, "{clean}");
}

/// Payment goes on under a raised epoch, and this bff takes it.
async fn restored(payment: &Sender, app: &TestService) {
    let lookups = Lookups::default();
    let mut tx = WriteTx::begin(&payment.pool, &payment.writer, lookups)
        .await
        .unwrap();
    let end = tx.position();
    fencing::raise(&mut tx, &payment.pool, &payment.writer, end)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let accept = json!({"source": "payment", "epoch": 2, "reason": "a test"});
    let path = "/api/v1/operator/bff/epoch/accept";
    let (status, body) = app.post(path, &testing::operator(), &accept).await;
    assert!(status.is_success(), "{body}");
}

#[tokio::test]
async fn what_a_restored_sender_decides_again_has_moved_once() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    let again = moved(3);
    payment.emit(&app, &[moved(1), again.clone()]).await;
    restored(&payment, &app).await;
    payment.emit(&app, &[again, moved(5)]).await;
    let token = testing::partner("partner1");
    let (_, balances) = app.get("/api/v1/balances", &token).await;
    assert_eq!(
        balances["items"][0]["accounts"]["payable"], "0.09",
        "{balances}"
    );
    app.replay("swap").await;
    let (_, balances) = app.get("/api/v1/balances", &token).await;
    assert_eq!(
        balances["items"][0]["accounts"]["payable"], "0.09",
        "{balances}"
    );
}

/// As its own job does, which sums up what reports show.
#[tokio::test]
async fn a_swap_that_waits_for_a_reader_of_a_table_which_then_wants_a_renamed_one_lets_it_go_on() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(1)]).await;
    let mut reader = messaging::begin(app.pool(), "BEGIN").await.unwrap();
    sqlx::query("SELECT FROM report_horizon")
        .execute(&mut *reader)
        .await
        .unwrap();
    let read = async {
        until("the swap waits for the table", || async {
            let waits = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
                          WHERE NOT granted AND mode = 'AccessExclusiveLock')";
            sqlx::query_scalar(waits).fetch_one(app.pool()).await.unwrap()
        })
        .await;
        sqlx::query("SELECT FROM conversions")
            .execute(&mut *reader)
            .await
            .unwrap();
        reader.commit().await.unwrap();
    };
    let (swapped, ()) = tokio::join!(app.replay("swap"), read);
    assert_eq!(swapped["report"]["different"], 0, "{swapped}");
}

#[tokio::test]
async fn read_models_are_made_again_over_the_raised_epoch_of_a_sender_that_was_restored() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(1), moved(2), moved(3)]).await;
    restored(&payment, &app).await;
    payment.emit(&app, &[moved(4), moved(5)]).await;
    let verified = app.replay("verify").await;
    assert_eq!(verified["report"]["different"], 0, "{verified}");
    assert_eq!(verified["events"], 5, "{verified}");

    lost_two(&app).await;
    let verified = app.replay("verify").await;
    assert_eq!(verified["events"], 5, "{verified}");
}

/// What was handled and is in no log any more is no reason to stop.
async fn lost_two(app: &TestService) {
    sqlx::raw_sql(
        "UPDATE pipeline.watermark SET sequence = sequence + 2 WHERE source = 'payment' AND epoch = 1",
    )
    .execute(app.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn read_models_are_made_again_over_a_lost_end_behind_which_a_restored_sender_has_nothing_new()
{
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(1), moved(2)]).await;
    lost_two(&app).await;
    let refused = app.replay_that_ends("verify", "failed").await;
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("its log ends at 2"), "{refused}");

    restored(&payment, &app).await;
    let verified = app.replay("verify").await;
    assert_eq!(verified["events"], 2, "{verified}");
    assert_eq!(verified["report"]["different"], 0, "{verified}");
}

#[tokio::test]
async fn a_sender_that_is_away_fails_the_replay_and_changes_nothing() {
    let payment = Sender::start(Service::Payment).await;
    let app = app::bff().await;
    payment.emit(&app, &[moved(5)]).await;
    let before = testing::rows(app.pool(), "balances").await;
    let replay = app.replay_that_ends("swap", "failed").await;
    assert!(
        replay["error"].as_str().unwrap().contains("payment"),
        "{replay}"
    );
    assert_eq!(testing::rows(app.pool(), "balances").await, before);
}

/// A replay of years takes hours, in which one of its requests fails now and then.
#[tokio::test]
async fn a_sender_that_is_away_for_a_moment_in_the_middle_of_a_replay_is_waited_for() {
    let (commission, payment) = tokio::join!(
        Sender::start(Service::Commission),
        Sender::start(Service::Payment)
    );
    let app = following(&[("COMMISSION", &commission), ("PAYMENT", &payment)]).await;
    let earned = calculated("partner1", "brand1", 1_000, "approved");
    commission
        .emit(&app, &[("conversion1", earned, None)])
        .await;
    payment.emit(&app, &[moved(5), moved(7)]).await;
    // Commission's log is read first.
    payment.door.turned_away.store(2, SeqCst);
    let verified = app.replay("verify").await;
    assert_eq!(payment.door.turned_away.load(SeqCst), 0);
    assert_eq!(verified["report"]["different"], 0, "{verified}");
    assert_eq!(verified["events"], 3, "{verified}");
}

async fn phase(app: &TestService) -> String {
    sqlx::query_scalar("SELECT phase FROM pipeline.replay_job ORDER BY started_at DESC LIMIT 1")
        .fetch_one(app.pool())
        .await
        .unwrap()
}

/// Hours of folding are behind it then. The sender is away until the replay has gone back to folding, where it waits.
#[tokio::test]
async fn a_sender_that_is_away_in_the_last_phases_is_waited_for_before_they_are_begun_again() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(5), moved(7)]).await;
    let mut requests = payment.door.attended();
    let mut emitted = 2;
    let mut away = [("comparing", false), ("swapping", false)];
    let attend = async {
        let mut last = String::new();
        while let Some(decide) = requests.recv().await {
            let now = phase(&app).await;
            let is_away = |(phase, is_over): &(&str, bool)| *phase == now && !is_over;
            let lets_in = !away.iter().any(is_away);
            if now == "folding" {
                for (phase, is_over) in &mut away {
                    *is_over |= *phase == last;
                }
            }
            // There is always something left for the next phase; while everybody waits nothing can come.
            if lets_in && now != "swapping" {
                payment.emit(&app, &[moved(1)]).await;
                emitted += 1;
            }
            last = now;
            let _given_up = decide.send(lets_in);
        }
    };
    let swapped = tokio::select! {
        swapped = app.replay("swap") => swapped,
        () = attend => panic!("somebody attends the door"),
    };
    assert!(away.iter().all(|(_, is_over)| *is_over), "{away:?}");
    assert_eq!(swapped["report"]["different"], 0, "{swapped}");
    assert_eq!(swapped["events"], emitted, "each once: {swapped}");
    let token = testing::partner("partner1");
    let (_, balances) = app.get("/api/v1/balances", &token).await;
    let cents = 5 + 7 + emitted - 2;
    assert_eq!(
        balances["items"][0]["accounts"]["payable"],
        format!("0.{cents:02}"),
        "{balances}"
    );
}

/// A swap that fails, since this happened while it read the sender's log.
async fn swap_while(app: &TestService, sender: &Sender, change: &str) -> Value {
    let door = &sender.door;
    door.open.forget_permits(Semaphore::MAX_PERMITS);
    let _of_the_replay_before = timeout(Duration::ZERO, door.knocked.notified()).await;
    let changed = async {
        door.knocked.notified().await;
        let change = sqlx::raw_sql(sqlx::AssertSqlSafe(change));
        change.execute(app.pool()).await.unwrap();
        door.open.add_permits(Semaphore::MAX_PERMITS);
    };
    tokio::join!(app.replay_that_ends("swap", "failed"), changed).0
}

/// What a server had not written down of the copies when it ended is gone.
#[tokio::test]
async fn a_replay_fails_and_changes_nothing_when_the_database_was_away_meanwhile() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(5)]).await;
    let before = testing::rows(app.pool(), "balances").await;
    let ended = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {}
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        AdvisoryLock::Replay.key()
    );
    let replay = swap_while(&app, &payment, &ended).await;
    let error = replay["error"].as_str().unwrap();
    assert!(error.contains("was away"), "{replay}");
    assert_eq!(testing::rows(app.pool(), "balances").await, before);
    let clean = app.replay("swap").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
}

/// What is in the retry queue the live tables have not, and a replay leaves out.
#[tokio::test]
async fn a_replay_fails_and_changes_nothing_when_the_retry_queue_changes_meanwhile() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(5)]).await;
    let before = testing::rows(app.pool(), "balances").await;
    let park = "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header, schema_id, body)
                SELECT 'payment', gen_random_uuid(), 1, 'payment-events', 'dead', '', '', 1, 0, '{}', 0, ''";
    for change in [park, "DELETE FROM pipeline.parked"] {
        let replay = swap_while(&app, &payment, change).await;
        let error = replay["error"].as_str().unwrap();
        assert!(error.contains("retry queue"), "{replay}");
        assert_eq!(testing::rows(app.pool(), "balances").await, before);
    }
    let clean = app.replay("swap").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
}

/// An operator's drop is for good: the live tables never had it, and a replay that tried it again would fail as it did.
#[tokio::test]
async fn a_replay_leaves_out_what_an_operator_dropped() {
    let payment = Sender::start(Service::Payment).await;
    let app = following(&[("PAYMENT", &payment)]).await;
    payment.emit(&app, &[moved(5)]).await;
    let beyond = payment.append(&[moved(i64::MAX)]).await;
    let id = beyond[0].header.id;
    let answers = app.deliver_all(payment.topic, beyond).await;
    assert_eq!(answers[0].name(), "parked");
    let path = format!("/api/v1/operator/bff/parked/{id}/drop");
    let reason = json!({"reason": "a test"});
    let (status, body) = app.post(&path, &testing::operator(), &reason).await;
    assert!(status.is_success(), "{body}");
    payment.emit(&app, &[moved(7)]).await;
    let clean = app.replay("swap").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
    assert_eq!(clean["events"], 2, "{clean}");
}

/// What an older build folds for a while has the holes of its fold, whatever made the tables before.
#[tokio::test]
async fn an_older_build_that_started_again_for_a_while_leaves_its_own_fold_noted() {
    let service = Sender::start(Service::Payment).await;
    for fold_version in [2, 1, 2] {
        let tables = Tables {
            fold_version,
            ..Tables::NONE
        };
        replay::note_fold_version(&service.pool, &tables)
            .await
            .unwrap();
    }
    let noted: i32 = sqlx::query_scalar("SELECT version FROM pipeline.fold")
        .fetch_one(&service.pool)
        .await
        .unwrap();
    assert_eq!(noted, 1);
}

/// Rows get their places in lists as they are folded.
#[tokio::test]
async fn lists_are_in_the_order_of_their_senders_log_after_a_swap_over_several_partitions() {
    let tracking = Sender::start_with(Service::Tracking, 2).await;
    let app = following(&[("TRACKING", &tracking)]).await;
    let ids_of = |partition| {
        let ids = (0..).map(|number| format!("conversion{number}"));
        ids.filter(move |id| schemas::partition(id, 2) == partition)
    };
    let ids: Vec<String> = ids_of(0)
        .zip(ids_of(1))
        .flat_map(<[String; 2]>::from)
        .take(6)
        .collect();
    for id in &ids {
        let sale = ConversionAttributedV1 {
            order_id: Some(id.parse().unwrap()),
            ..sold()
        };
        tracking.append(&[(id, sale.into(), None)]).await;
    }
    // As if it had come.
    sqlx::raw_sql(
        "INSERT INTO pipeline.watermark (source, epoch, topic, partition, sequence)
         SELECT 'tracking', 1, 'tracking-events', partition, 3 FROM generate_series(0, 1) partition",
    )
    .execute(app.pool())
    .await
    .unwrap();
    let swapped = app.replay("swap").await;
    assert_eq!(swapped["events"], 6, "{swapped}");
    let (_, list) = app.get("/api/v1/conversions", &testing::operator()).await;
    let items = list["items"].as_array().unwrap().iter();
    let oldest_first: Vec<&str> = items.rev().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(oldest_first, ids, "{list}");
}

/// Runs a bff that has never heard of a kind, on a thread of its own, until it has taken these.
async fn taken_by_an_older_build(
    variables: HashMap<String, String>,
    unheard_of: &'static str,
    topic: Topic,
    messages: Vec<Message>,
) -> Vec<&'static str> {
    let older = std::thread::spawn(move || {
        schemas::forget(unheard_of);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let app = TestService::start_with(bff::define, variables).await;
            let answers = app.deliver_all(topic, messages).await;
            app.stop().await;
            answers.iter().map(Answer::name).collect()
        })
    });
    let ended = tokio::task::spawn_blocking(move || older.join().unwrap());
    ended.await.unwrap()
}

/// What it kept is folded behind what it folded itself, whatever the order of the log: until a swap that is noted.
#[tokio::test]
async fn what_an_older_build_kept_of_a_row_that_it_changed_since_calls_for_a_swap() {
    let campaign = Sender::start(Service::Campaign).await;
    let mut variables = variables(Service::Bff, &unmade_database());
    variables.insert("CAMPAIGN_SERVICE_URL".to_owned(), campaign.base_url.clone());
    let ended = EnrollmentEndedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        status: EnrollmentStatus::Left,
        reason: None,
    };
    let events = [app::accepted(), ended.into(), app::accepted()];
    let events = events.map(|event| ("enr1", event, None));
    let messages = campaign.append(&events).await;
    let unheard_of = "enrollment.ended.v1";
    let topic = campaign.topic;
    let taken = taken_by_an_older_build(variables.clone(), unheard_of, topic, messages).await;
    assert_eq!(taken, ["done", "parked", "done"]);

    let app = TestService::start_with(bff::define, variables).await;
    testing::until("this build has taken it", || async {
        app::count(&app, "pipeline.parked").await == 0
    })
    .await;
    let versions = async || {
        let replays = "/api/v1/operator/bff/replays";
        let (_, list) = app.get(replays, &testing::operator()).await;
        let version = |of: &str| list[of].as_i64().unwrap();
        (version("tables_fold_version"), version("fold_version"))
    };
    let (in_place, of_this_build) = versions().await;
    assert!(in_place < of_this_build, "{in_place} and {of_this_build}");
    app.replay("swap").await;
    assert_eq!(versions().await, (of_this_build, of_this_build));
    let status: String = sqlx::query_scalar("SELECT status FROM enrollments WHERE id = 'enr1'")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(status, "enrolled");
    let clean = app.replay("verify").await;
    assert_eq!(clean["report"]["different"], 0, "{clean}");
    app.stop().await;
}
