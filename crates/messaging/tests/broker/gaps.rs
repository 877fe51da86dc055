//! Gaps: reported when they stand, closed by whichever process goes on, and mended by the source where that is safe.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::post;
use devstack::provision::Place;
use messaging::gap::Pace;
use messaging::transport::pulsar::BrokerSettings;
use messaging::{Lookups, SchemaIds, Tasks, WriteTx, Writer, halted};
use operations::fencing;
use pulsar::{Producer, TokioExecutor};
use runtime::testing::{PATIENCE, message, until};
use schemas::Service;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::bank::{earns, take_out};
use crate::forged::{COMMANDS, FACTS, Vault, activated, old_trust, send, signed};
use crate::lab::{Follower, Sender, TOPIC, new_place, serve, trust};
use crate::{external_producer, nothing_left};

/// Publishes messages of campaign's stream by hand.
async fn publish(by_hand: &mut Producer<TokioExecutor>, sequences: &[i64]) {
    for sequence in sequences {
        send(by_hand, signed(&trust(), TOPIC, 0, &activated(*sequence))).await;
    }
}

async fn until_reported(follower: &Follower, what: &str) {
    until(&format!("it reports: {what}"), || async {
        let stops = follower.health.stops();
        stops.iter().any(|(_, why)| why.contains(what))
    })
    .await;
}

async fn active(place: &Place) -> Option<String> {
    let bff = Service::Bff.name();
    place.active_consumer(TOPIC, 0, bff).await.unwrap()
}

#[tokio::test]
async fn a_process_that_reported_a_gap_is_ready_again_when_another_one_closed_it() {
    let (place, settings) = new_place(1).await;
    let mut by_hand = external_producer(&settings, TOPIC, None).await;
    let first = Follower::start(&settings, 1).await;
    publish(&mut by_hand, &[1, 2, 4]).await;
    until_reported(&first, "message 3 of campaign-events is missing").await;
    first.stop_consuming();
    let second = Follower::beside(&first.pool, &settings, 1).await;
    until("the other process takes the subscription over", || async {
        active(&place).await.is_some()
    })
    .await;
    publish(&mut by_hand, &[3, 4]).await;
    second.wait_for(4).await;
    until("the first is ready again", || async {
        first.health.stops().is_empty()
    })
    .await;
    nothing_left(&place).await;
    second.assert_once_and_in_order(4).await;
}

#[tokio::test]
async fn what_was_read_over_at_a_gap_comes_again_when_it_is_closed() {
    let (place, settings) = new_place(1).await;
    let mut by_hand = external_producer(&settings, TOPIC, None).await;
    let follower = Follower::start(&settings, 1).await;
    publish(&mut by_hand, &[1, 3, 4, 5]).await;
    until_reported(&follower, "message 2 of campaign-events is missing").await;
    publish(&mut by_hand, &[2]).await;
    follower.wait_for(5).await;
    nothing_left(&place).await;
    follower.assert_once_and_in_order(5).await;
    assert_eq!(follower.health.stops(), Vec::new());
}

/// When a consumer was named, which is when it was opened, in seconds.
fn opened(name: &str) -> i64 {
    let (_, id) = name.split_once('-').unwrap();
    let (seconds, _) = Uuid::parse_str(id)
        .unwrap()
        .get_timestamp()
        .unwrap()
        .to_unix();
    i64::try_from(seconds).unwrap()
}

#[tokio::test]
async fn a_newcomer_takes_no_partition_from_a_process_that_works() {
    let (place, settings) = new_place(4).await;
    let feeds = async || {
        let mut feeds = Vec::new();
        for partition in 0..4 {
            feeds.push(
                place
                    .active_consumer(TOPIC, partition, "bff")
                    .await
                    .unwrap(),
            );
        }
        feeds
    };
    let first = Follower::start(&settings, 4).await;
    until("it is fed from every partition", || async {
        feeds().await.iter().all(Option::is_some)
    })
    .await;
    let before = feeds().await;
    // Who opens in the same second is of the same age.
    let opened = before.iter().flatten().map(|name| opened(name)).max();
    until("the second in which it opened is over", || async {
        opened.is_some_and(|opened| messaging::clock::now().0 / 1_000_000 > opened + 1)
    })
    .await;
    let _second = Follower::beside(&first.pool, &settings, 4).await;
    until("both are there", || async {
        let mut counts = Vec::new();
        for partition in 0..4 {
            counts.push(
                place
                    .consumers(TOPIC, partition, "bff")
                    .await
                    .unwrap()
                    .len(),
            );
        }
        counts == [2; 4]
    })
    .await;
    assert_eq!(feeds().await, before);
    first.kill();
    until("the newcomer takes over", || async {
        let now = feeds().await;
        now.iter()
            .zip(&before)
            .all(|(now, before)| now.is_some() && now != before)
    })
    .await;
}

/// A follower that handled 50 messages, of which the broker then skips 30 and sends 20.
async fn skipped(place: &Place, settings: &BrokerSettings, sender: &Sender) -> Follower {
    let follower = skipped_at_the_end(place, settings, sender).await;
    sender.emit(20).await;
    follower
}

/// A follower that handled 50 messages, behind which the broker skips the last 30.
async fn skipped_at_the_end(place: &Place, settings: &BrokerSettings, sender: &Sender) -> Follower {
    let follower = Follower::start(settings, 1).await;
    sender.emit(50).await;
    follower.wait_for(50).await;
    nothing_left(place).await;
    follower.kill();
    sender.emit(30).await;
    until("they lie in the subscription", || async {
        place.backlogs(TOPIC).await.unwrap()["bff"] > 0
    })
    .await;
    let bff = Service::Bff.name();
    place.skip_all(TOPIC, 0, bff).await.unwrap();
    nothing_left(place).await;
    follower
}

#[tokio::test]
async fn what_the_broker_lost_at_the_end_of_a_quiet_stream_heals_by_itself() {
    let (place, settings) = new_place(1).await;
    let sender = Sender::start(&settings, 1).await;
    let url = sender.listen().await;
    let before = skipped_at_the_end(&place, &settings, &sender).await;
    let follower = before.restart_requesting(&settings, 1, &url).await;
    follower.wait_for(80).await;
    follower.assert_once_and_in_order(80).await;
    assert_eq!(follower.health.stops(), Vec::new());
}

#[tokio::test]
async fn a_gap_that_a_skipped_subscription_made_heals_by_itself() {
    let (place, settings) = new_place(1).await;
    let sender = Sender::start(&settings, 1).await;
    let url = sender.listen().await;
    let before = skipped(&place, &settings, &sender).await;
    let follower = before.restart_requesting(&settings, 1, &url).await;
    follower.wait_for(100).await;
    follower.assert_once_and_in_order(100).await;
    nothing_left(&place).await;
    until("nothing is reported any more", || async {
        follower.health.stops().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_gap_before_which_the_histories_differ_is_reported_and_left_to_operators() {
    let (place, settings) = new_place(1).await;
    let sender = Sender::start(&settings, 1).await;
    let url = sender.listen().await;
    let before = skipped(&place, &settings, &sender).await;
    sqlx::query("UPDATE pipeline.watermark SET time = time + 1")
        .execute(&before.pool)
        .await
        .unwrap();
    let follower = before.restart_requesting(&settings, 1, &url).await;
    until_reported(&follower, "either was restored from a backup").await;
    until_reported(&follower, "docs/runbooks/restore.md").await;
    assert_eq!(follower.count().await, 50, "nothing was sent again");
    sender.rewind().await;
    follower.wait_for(100).await;
    follower.assert_once_and_in_order(100).await;
}

#[tokio::test]
async fn an_accepted_epoch_is_taken_while_others_go_on_sending() {
    let (place, settings) = new_place(1).await;
    let mut by_hand = external_producer(&settings, TOPIC, None).await;
    let follower = Follower::start(&settings, 1).await;
    publish(&mut by_hand, &[1]).await;
    follower.wait_for(1).await;
    let mut raised = activated(1);
    raised.header.epoch = Some(2);
    send(&mut by_hand, signed(&trust(), TOPIC, 0, &raised)).await;
    until("the stream is halted", || async {
        !halted::all(&follower.pool).await.unwrap().is_empty()
    })
    .await;
    let accepted = "WITH accepted AS (INSERT INTO pipeline.accepted_epoch (source, epoch) VALUES ('campaign', 2))
                    DELETE FROM pipeline.stopped_stream";
    sqlx::query(accepted).execute(&follower.pool).await.unwrap();
    let others = async {
        while follower.count().await < 2 {
            let stranger = signed(&old_trust(), TOPIC, 0, &activated(9));
            send(&mut by_hand, stranger).await;
        }
    };
    tokio::time::timeout(PATIENCE, others)
        .await
        .expect("what was read over is handled");
    nothing_left(&place).await;
    follower.assert_once(2).await;
}

/// Seldom enough that a source is asked once in a test.
const ONCE: Pace = Pace {
    first: Duration::from_hours(1),
    longest: Duration::from_hours(1),
    still_for: Duration::from_millis(500),
    ends_every: Duration::from_hours(1),
    facts_first_for: Duration::from_hours(1),
    moving_after: Duration::from_hours(1),
};

#[tokio::test]
async fn the_last_message_of_a_quiet_stream_heals_when_its_signature_did_not_count() {
    let (place, settings) = new_place(1).await;
    let sender = Sender::start(&settings, 1).await;
    let url = sender.listen().await;
    let often = Pace {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(2),
        ..Pace::default()
    };
    let follower = Follower::start_requesting(&settings, 1, &url, often).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    sender.stop();
    let old = sender.signing_with(&old_trust(), &settings, 1);
    old.emit(1).await;
    old.shipped().await;
    nothing_left(&place).await;
    assert_eq!(follower.count().await, 5, "it does not count");
    old.stop();
    let _again = sender.signing_with(&trust(), &settings, 1);
    follower.wait_for(6).await;
    follower.assert_once_and_in_order(6).await;
    assert_eq!(follower.health.stops(), Vec::new());
}

/// A source that answers always the same, and how often it was asked.
async fn source_that_answers(status: StatusCode, text: &'static str) -> (String, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        async move { (status, text) }
    };
    let app = Router::new().route("/internal/v1/resends", post(answer));
    (serve(app).await, requests)
}

#[tokio::test]
async fn who_claims_to_be_a_source_has_it_asked_seldom_and_makes_nobody_unready() {
    let (place, settings) = new_place(1).await;
    let nothing = "has no message behind 5: either was restored from a backup";
    let (url, requests) = source_that_answers(StatusCode::CONFLICT, nothing).await;
    let follower = Follower::start_requesting(&settings, 1, &url, ONCE).await;
    let mut by_hand = external_producer(&settings, TOPIC, None).await;
    publish(&mut by_hand, &[1, 2, 3, 4, 5]).await;
    follower.wait_for(5).await;
    let claim = async |by_hand: &mut Producer<TokioExecutor>| {
        let forged = signed(&old_trust(), TOPIC, 0, &activated(6));
        send(by_hand, forged).await;
    };
    for _ in 0..50 {
        claim(&mut by_hand).await;
    }
    until("the source is asked", || async {
        requests.load(Ordering::SeqCst) > 0
    })
    .await;
    for sequence in 6..=20 {
        claim(&mut by_hand).await;
        publish(&mut by_hand, &[sequence]).await;
        follower.wait_for(sequence).await;
    }
    nothing_left(&place).await;
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    assert_eq!(follower.health.stops(), Vec::new());
}

#[tokio::test]
async fn a_source_that_sends_again_in_vain_is_asked_five_times_and_then_it_is_reported_to_operators()
 {
    let (_place, settings) = new_place(1).await;
    let (url, requests) = source_that_answers(StatusCode::NO_CONTENT, "").await;
    let often = Pace {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        still_for: Duration::from_secs(1),
        ..Pace::default()
    };
    // Before the follower is there, which so never finds the stream quiet.
    let mut by_hand = external_producer(&settings, TOPIC, None).await;
    publish(&mut by_hand, &[1, 3]).await;
    let follower = Follower::start_requesting(&settings, 1, &url, often).await;
    until_reported(&follower, "campaign was asked, and sends again").await;
    until_reported(&follower, "has sent it again 5 times, and is asked no more").await;
    until_reported(&follower, "docs/runbooks/unauthenticated.md").await;
    assert_eq!(requests.load(Ordering::SeqCst), 5);
    // What an operator has sent again closes it.
    publish(&mut by_hand, &[2, 3]).await;
    follower.wait_for(3).await;
    until("it is ready", || async {
        follower.health.stops().is_empty()
    })
    .await;
}

/// The source of the bank's facts and of its commands, both of which the broker lost at the end. Of facts it knows when it is asked first, and
/// sends again only then.
#[derive(Default)]
struct Sources {
    facts: AtomicUsize,
    facts_are_sent: AtomicBool,
    /// How much of the facts was handled whenever commands were wanted.
    at_commands: Mutex<Vec<i64>>,
}

/// What is wanted of facts gets no answer so often.
const UNANSWERED: usize = 6;

#[tokio::test]
async fn lost_commands_are_requested_once_the_lost_facts_are_handled() {
    let mut vault = Vault::open().await;
    let sources = Arc::new(Sources::default());
    let (at, pool) = (Arc::clone(&sources), vault.pool.clone());
    let answer = move |Query(wanted): Query<HashMap<String, String>>| async move {
        if wanted["topic"] == COMMANDS.name() {
            let handled = "SELECT sequence FROM pipeline.watermark WHERE topic = $1";
            let handled = sqlx::query_scalar(handled).bind(FACTS.name());
            let handled = handled.fetch_one(&pool).await.unwrap();
            at.at_commands.lock().unwrap().push(handled);
            return (StatusCode::NO_CONTENT, "");
        }
        if wanted["sequence"] != "1" {
            let nothing = "has no message behind 2: either was restored from a backup";
            return (StatusCode::CONFLICT, nothing);
        }
        if at.facts.fetch_add(1, Ordering::SeqCst) < UNANSWERED {
            return (StatusCode::SERVICE_UNAVAILABLE, "");
        }
        at.facts_are_sent.store(true, Ordering::SeqCst);
        (StatusCode::NO_CONTENT, "")
    };
    let url = serve(Router::new().route("/internal/v1/resends", post(answer))).await;
    let often = Pace {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(1),
        ..ONCE
    };
    let tasks = Tasks::new(vault.stop.clone());
    tasks.spawn("gaps", vault.watch_gaps(&url, often));
    until("facts are sent again", || async {
        sources.facts_are_sent.load(Ordering::SeqCst)
    })
    .await;
    let lost = message(FACTS, "conv2", "conv2", earns("p", 1_000), Some(2));
    send(&mut vault.facts, signed(&trust(), FACTS, 0, &lost)).await;
    until("commands are wanted", || async {
        !sources.at_commands.lock().unwrap().is_empty()
    })
    .await;
    let lost = message(COMMANDS, "p", "pay1", take_out(500, "paypal"), Some(1));
    send(&mut vault.commands, signed(&trust(), COMMANDS, 0, &lost)).await;
    until("what the lost fact paid for is taken out", || async {
        vault.balance().await == 600
    })
    .await;
    let handled = sources.at_commands.lock().unwrap().clone();
    assert!(handled.iter().all(|sequence| *sequence == 2), "{handled:?}");
}

/// A source that takes questions and answers none: who waits for it is seen here.
async fn silent_source() -> (String, Arc<Notify>, Arc<AtomicUsize>) {
    struct Left(Arc<AtomicUsize>);
    impl Drop for Left {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (came, left) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (comes, leaves) = (Arc::clone(&came), Arc::clone(&left));
    let answer = move || {
        let waits = Left(Arc::clone(&leaves));
        comes.notify_one();
        async move {
            let _waits = waits;
            std::future::pending::<StatusCode>().await
        }
    };
    let app = Router::new().route("/internal/v1/resends", post(answer));
    (serve(app).await, came, left)
}

#[tokio::test]
async fn a_source_that_does_not_answer_holds_up_neither_an_accepted_epoch_nor_the_end() {
    let mut vault = Vault::open().await;
    let first = message(COMMANDS, "p", "pay0", take_out(10, "paypal"), Some(1));
    send(&mut vault.commands, signed(&trust(), COMMANDS, 0, &first)).await;
    until("the bff's stream is followed", || async {
        vault.balance().await == 90
    })
    .await;
    let mut raised = message(COMMANDS, "p", "pay1", take_out(10, "paypal"), Some(1));
    raised.header.epoch = Some(2);
    send(&mut vault.commands, signed(&trust(), COMMANDS, 0, &raised)).await;
    until("it is halted", || async {
        !halted::all(&vault.pool).await.unwrap().is_empty()
    })
    .await;
    let schema_ids = SchemaIds::open(&vault.pool).await.unwrap();
    let writer = Writer::of(Service::Payment, 1, schema_ids);
    let (url, came, left) = silent_source().await;
    let (watching, pool) = (vault.watch_gaps(&url, ONCE), vault.pool.clone());
    let meanwhile = async {
        came.notified().await;
        let mut tx = WriteTx::begin(&pool, &writer, Lookups::default())
            .await
            .unwrap();
        fencing::accept(&mut tx, "bff", 2).await.unwrap();
        tx.commit().await.unwrap();
        until("the accepted epoch is taken", || async {
            vault.balance().await == 80
        })
        .await;
        assert_eq!(left.load(Ordering::SeqCst), 0, "the source is waited for");
        vault.stop.cancel();
    };
    // The stream of facts is quiet, and its source is asked.
    tokio::join!(watching, meanwhile);
    until("the question was left with the process", || async {
        left.load(Ordering::SeqCst) == 1
    })
    .await;
}
