//! Several processes of a service on one database: who runs, who died, and what an older build leaves alone.

use std::sync::atomic::Ordering;

use messaging::{Answer, Writer, process};
use schemas::Service;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, command};
use runtime::testing::until;

/// A process as the database sees it: sessions under its name.
struct Seen {
    id: Uuid,
    pool: PgPool,
}

impl Seen {
    /// Starts, and says how many it found dead.
    async fn start(lab: &Lab) -> (Self, u64) {
        let id = Uuid::now_v7();
        let name = process::session_name(Service::Payment.name(), id);
        let options: PgConnectOptions = (*lab.pool.connect_options()).clone();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options.application_name(&name))
            .await
            .unwrap();
        let died = process::begin(&pool, Service::Payment.name(), id, "hybrid").await;
        (Self { id, pool }, died.unwrap())
    }

    async fn stop(self, lab: &Lab) {
        process::end(&self.pool, self.id).await.unwrap();
        self.die(lab).await;
    }

    /// Its sessions end, and nothing is noted.
    async fn die(self, lab: &Lab) {
        self.pool.close().await;
        let name = process::session_name(Service::Payment.name(), self.id);
        until("its sessions are gone", || async {
            let left: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1",
            )
            .bind(&name)
            .fetch_one(&lab.pool)
            .await
            .unwrap();
            left == 0
        })
        .await;
    }
}

#[tokio::test]
async fn processes_that_start_together_on_a_new_database_all_find_it_migrated() {
    let url = runtime::testing::new_database().await;
    let connecting = (0..16).map(|_| PgConnection::connect(&url));
    let mut connections = futures::future::try_join_all(connecting).await.unwrap();
    let together = connections.iter_mut().map(messaging::migrate);
    futures::future::try_join_all(together).await.unwrap();
}

#[tokio::test]
async fn a_process_that_begins_again_after_a_broken_connection_is_careful() {
    let lab = Lab::new().await;
    let (process, died) = Seen::start(&lab).await;
    assert_eq!(died, 0);
    let again = process::begin(&process.pool, Service::Payment.name(), process.id, "hybrid").await;
    assert_eq!(again.unwrap(), 1, "it cannot know whom it had found dead");
    process.stop(&lab).await;
}

#[tokio::test]
async fn a_start_beside_a_living_process_finds_nobody_dead() {
    let lab = Lab::new().await;
    let (first, died) = Seen::start(&lab).await;
    assert_eq!(died, 0);
    let (second, died) = Seen::start(&lab).await;
    assert_eq!(died, 0);
    second.stop(&lab).await;
    first.stop(&lab).await;
    let (_third, died) = Seen::start(&lab).await;
    assert_eq!(died, 0, "both stopped by themselves");
}

#[tokio::test]
async fn an_orderly_stop_of_one_process_does_not_hide_that_another_died() {
    let lab = Lab::new().await;
    let (mortal, _) = Seen::start(&lab).await;
    let (stops, _) = Seen::start(&lab).await;
    mortal.die(&lab).await;
    stops.stop(&lab).await;
    let (_next, died) = Seen::start(&lab).await;
    assert_eq!(died, 1);
    let (_next_again, died) = Seen::start(&lab).await;
    assert_eq!(died, 0, "each death is found once");
}

#[tokio::test]
async fn a_message_that_kills_one_process_after_another_is_found_by_whichever_tries_it_last() {
    let mut lab = Lab::new().await;
    let fact = lab.fact("p", 100);
    // Tried by three processes in turn, each of which died of it.
    sqlx::query("INSERT INTO pipeline.trying VALUES ($1, 3)")
        .bind(fact.header.id)
        .execute(&lab.pool)
        .await
        .unwrap();
    // The fourth time it does no harm, and is forgotten.
    lab.start(true).take(FACTS, &[&fact]).await;
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM pipeline.trying")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!((noted, lab.balance("p").await), (0, 100));
}

#[tokio::test]
async fn what_a_batch_left_is_not_read_again_by_the_next_one_of_its_process() {
    let mut lab = Lab::new().await;
    let options: PgConnectOptions = (*lab.pool.connect_options()).clone();
    let one = PgPoolOptions::new().max_connections(1);
    lab.pool = one.connect_with(options).await.unwrap();
    let process = lab.start(false);
    for _ in 0..5 {
        let fact = lab.fact("p", 1);
        process.take(FACTS, &[&fact]).await;
    }
    let reads: i64 = sqlx::query_scalar(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE '%pipeline.stopped_stream%'",
    )
    .fetch_one(&lab.pool)
    .await
    .unwrap();
    assert_eq!((reads, lab.balance("p").await), (1, 5));
}

#[tokio::test]
async fn what_a_batch_left_counts_no_more_once_another_process_wrote() {
    let mut lab = Lab::new().await;
    let first = lab.start(false);
    lab.writer = Writer::of(Service::Payment, 1, lab.writer.schema_ids.clone());
    let second = lab.start(false);
    let (one, two, three) = (lab.fact("p", 1), lab.fact("p", 10), lab.fact("p", 100));
    first.take(FACTS, &[&one]).await;
    second.take(FACTS, &[&two]).await;
    // As a transport does that does not know yet who has the stream now.
    let again = first.take(FACTS, &[&two, &three]).await;
    assert!(
        matches!(again[..], [Answer::Repeated, Answer::Done(_)]),
        "{again:?}"
    );
    assert_eq!(lab.balance("p").await, 111);
    let heads: Vec<i64> = sqlx::query_scalar("SELECT sequence FROM pipeline.stream_head")
        .fetch_all(&lab.pool)
        .await
        .unwrap();
    assert_eq!(heads, [3], "no sequence is given twice");
}

#[tokio::test]
async fn a_batch_after_one_that_parked_something_knows_what_is_blocked() {
    let mut lab = Lab::new().await;
    let process = lab.start(false);
    let good = lab.fact("p", 1);
    process.take(FACTS, &[&good]).await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let bad = command("p", "payout1", take_out(1, "broken"));
    let behind = command("p", "payout1", take_out(1, "paypal"));
    let first = process.take(COMMANDS, &[&bad]).await;
    let waits = process.take(COMMANDS, &[&behind]).await;
    assert!(
        matches!(
            (&first[..], &waits[..]),
            ([Answer::InRetryQueue], [Answer::InRetryQueue])
        ),
        "{first:?} {waits:?}"
    );
}

#[tokio::test]
async fn an_older_build_leaves_alone_what_a_newer_one_made_due_for_itself() {
    let mut lab = Lab::new().await;
    let older = lab.start(false);
    let fact = lab.fact("p", 1);
    older.take(FACTS, &[&fact]).await;
    // The newer build has fed a kind back to itself that this one does not know.
    sqlx::query(
        "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header,
                                      schema_id, body)
         VALUES ('commission', $1, 1, 'commission-events', 'queued', 'kept', 'conv9', 0, 0,
                 '{\"type\": \"commission.disputed.v1\"}', (SELECT min(id) FROM pipeline.writer_schema), '')",
    )
    .bind(Uuid::now_v7())
    .execute(&lab.pool)
    .await
    .unwrap();
    // What is due and known is fed back meanwhile, so the older build has looked.
    lab.faults.broken.store(true, Ordering::SeqCst);
    let retried = command("p", "pay1", take_out(1, "broken"));
    let answers = older.take(COMMANDS, &[&retried]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    lab.faults.broken.store(false, Ordering::SeqCst);
    lab.advance_clock(10).await;
    until("what is known is handled", || async {
        lab.balance("p").await == 0
    })
    .await;
    let retry_queue = lab.retry_queue().await;
    assert_eq!(retry_queue.len(), 1, "{retry_queue:?}");
    assert_eq!(retry_queue[0].0, "queued", "{retry_queue:?}");
}
