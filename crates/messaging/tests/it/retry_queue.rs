//! The retry queue: in order, counted, with an end.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use messaging::{Answer, Lookups, Via, WriteTx, retry_queue};
use operations::retry_queue::look;
use runtime::testing::{message, until};
use schemas::{CommissionReversedV1, Message};
use sqlx::PgPool;
use types::EarningStatus;
use uuid::Uuid;

use crate::bank::{earns, take_out, usd};
use crate::lab::{COMMANDS, FACTS, Lab, arrived, command};

#[tokio::test]
async fn a_failing_message_does_not_let_its_successor_on_the_same_subject_pass() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;

    let failing = command("p", "pay1", take_out(1, "broken"));
    let successor = command("p", "pay1", take_out(2, "paypal"));
    let other = command("p", "pay2", take_out(3, "paypal"));
    let answers = replica
        .take(COMMANDS, &[&failing, &successor, &other])
        .await;
    assert!(
        matches!(
            answers[..],
            [Answer::InRetryQueue, Answer::InRetryQueue, Answer::Done(_)]
        ),
        "{answers:?}"
    );
    let late = command("p", "pay1", take_out(4, "paypal"));
    let answers = replica.take(COMMANDS, &[&late]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue]),
        "in a later batch too: {answers:?}"
    );

    lab.faults.broken.store(false, Ordering::SeqCst);
    lab.advance_clock(2).await;
    lab.until_the_retry_queue_is_empty().await;
    let expected = [&fact, &other, &failing, &successor, &late].map(|message| message.header.id);
    assert_eq!(lab.causes().await, expected);
    assert_eq!(lab.balance("p").await, 90);
}

#[tokio::test]
async fn what_waits_behind_one_is_handled_in_order_and_many_at_once_when_that_is_through() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 1_000);
    replica.take(FACTS, &[&fact]).await;
    let mut commands = vec![command("p", "pay1", take_out(1, "broken"))];
    commands.extend((0..300).map(|_| command("p", "pay1", take_out(1, "paypal"))));
    let entry: Vec<&Message> = commands.iter().collect();
    replica.take(COMMANDS, &entry).await;
    assert_eq!(lab.retry_queue().await.len(), 301);

    lab.faults.broken.store(false, Ordering::SeqCst);
    lab.advance_clock(2).await;
    lab.until_the_retry_queue_is_empty().await;
    let expected = [&fact].into_iter().chain(&commands);
    let expected: Vec<Uuid> = expected.map(|message| message.header.id).collect();
    assert_eq!(lab.causes().await, expected);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM pipeline.message_log";
    let transactions: i64 = sqlx::query_scalar(transactions)
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert!(transactions < 30, "{transactions} for 301 messages");
}

#[tokio::test]
async fn one_that_goes_back_to_the_retry_queue_keeps_there_what_is_behind_it() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 1_000);
    replica.take(FACTS, &[&fact]).await;
    let methods = [
        ("broken", 1),
        ("paypal", 1),
        ("patient", 5_000),
        ("paypal", 1),
    ];
    let commands = methods.map(|(method, minor)| command("p", "pay1", take_out(minor, method)));
    let other = command("p", "pay2", take_out(1, "broken"));
    let entry: Vec<&Message> = commands.iter().chain([&other]).collect();
    replica.take(COMMANDS, &entry).await;
    assert_eq!(lab.retry_queue().await.len(), 5);

    lab.faults.broken.store(false, Ordering::SeqCst);
    lab.advance_clock(2).await;
    until("all are through that need not wait", || async {
        let rows = lab.retry_queue().await;
        let states = rows.iter().map(|(state, ..)| state.as_str());
        states.collect::<Vec<_>>() == ["waiting", "queued"]
    })
    .await;
    assert_eq!(lab.balance("p").await, 997);
    lab.advance_clock(61).await;
    lab.until_the_retry_queue_is_empty().await;
    let ended = lab.causes().await;
    let place = |command: &Message| ended.iter().position(|id| *id == command.header.id);
    let places = commands.each_ref().map(place);
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[tokio::test]
async fn a_message_whose_schema_is_not_there_stays_and_holds_nobody_else_up() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let unreadable = command("p", "pay1", take_out(1, "broken"));
    let other = command("p", "pay2", take_out(2, "broken"));
    let answers = replica.take(COMMANDS, &[&unreadable, &other]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::InRetryQueue]),
        "{answers:?}"
    );
    sqlx::query("UPDATE pipeline.parked SET schema_id = 9999 WHERE message_id = $1")
        .bind(unreadable.header.id)
        .execute(&lab.pool)
        .await
        .unwrap();
    lab.faults.broken.store(false, Ordering::SeqCst);
    lab.advance_clock(600).await;
    until("the other is handled", async || {
        lab.balance("p").await == 98
    })
    .await;
    assert_eq!(lab.retry_queue().await.len(), 1, "the first is there still");
}

/// Whatever has no entity waits behind all that has its subject.
#[tokio::test]
async fn what_is_behind_a_row_without_an_entity_is_due_no_sooner_than_that_one() {
    let lab = Lab::new().await;
    let rows = "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, entity, attempts, next_at, header, schema_id, body)
                SELECT 'bff', gen_random_uuid(), arrival, 'payment-commands', state, '', 'same', entity, 0, 0, '{}', 1, ''
                  FROM (VALUES (1, $1, 'payout'), (2, 'queued', NULL), (3, 'queued', 'partner'), (4, 'queued', 'payout')) v (arrival, state, entity)";
    sqlx::query(rows)
        .bind("dead")
        .execute(&lab.pool)
        .await
        .unwrap();
    let due = async || {
        let rows = retry_queue::due(&lab.pool, &["any"], 10).await.unwrap();
        rows.iter().map(|row| row.arrival).collect::<Vec<_>>()
    };
    assert_eq!(due().await, Vec::<i64>::new());
    sqlx::query("UPDATE pipeline.parked SET state = 'retrying' WHERE state = 'dead'")
        .execute(&lab.pool)
        .await
        .unwrap();
    assert_eq!(due().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn how_long_the_oldest_has_been_in_the_retry_queue_is_by_the_clock_of_the_log() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    lab.advance_clock(86_400).await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let failing = command("p", "pay1", take_out(1, "broken"));
    replica.take(COMMANDS, &[&failing]).await;

    let age = async || {
        let counts = retry_queue::counts(&lab.pool).await.unwrap();
        let (state, messages, micros) = &counts[0];
        assert_eq!((state.as_str(), *messages), ("retrying", 1));
        micros / 1_000_000
    };
    assert!(age().await < 3_600, "it went to the retry queue just now");
    lab.advance_clock(3_600).await;
    assert!(age().await >= 3_600);
}

#[tokio::test]
async fn a_panic_where_something_is_noted_is_its_messages_alone() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let failing = command("p", "pay1", take_out(1, "unnotable"));
    let other = command("p", "pay2", take_out(3, "paypal"));
    let answers = replica.take(COMMANDS, &[&failing, &other]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "{answers:?}"
    );
    let (state, _, reason) = lab.retry_queue().await.remove(0);
    assert_eq!(state, "retrying");
    assert!(reason.contains("the bank cannot write it down"), "{reason}");
    assert_eq!(lab.balance("p").await, 97);
}

#[tokio::test]
async fn whoever_keeps_the_lock_for_long_is_no_messages_fault() {
    let mut lab = Lab::new().await;
    let fact = lab.fact("p", 100);
    let options = (*lab.pool.connect_options()).clone();
    let impatient = options.options([("statement_timeout", "100ms")]);
    let own = std::mem::replace(&mut lab.pool, PgPool::connect_lazy_with(impatient));
    let held = WriteTx::begin(&own, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let replica = lab.start(false);
    let facts = [&fact];
    let taken = replica.take(FACTS, &facts);
    let let_go = async {
        let waits = Mutex::new(HashSet::new());
        until("it has been waited for six times", || async {
            let waiting = "SELECT query_start::text FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'";
            let waiting: Vec<String> = sqlx::query_scalar(waiting).fetch_all(&own).await.unwrap();
            let mut seen = waits.lock().unwrap();
            seen.extend(waiting);
            seen.len() >= 6
        })
        .await;
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(taken, let_go);
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}

#[tokio::test]
async fn a_panic_is_counted_and_dead_after_five_attempts() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let failing = command("p", "pay1", take_out(1, "broken"));
    replica.take(COMMANDS, &[&failing]).await;
    for attempts in 1..5 {
        until("the attempt is counted", || async {
            lab.retry_queue().await[0].1 >= attempts
        })
        .await;
        let (state, counted, _) = lab.retry_queue().await.remove(0);
        assert!(state == "retrying" || counted == 5, "{state} {counted}");
        lab.advance_clock(600).await;
    }
    until("it is dead", || async {
        lab.retry_queue().await[0].0 == "dead"
    })
    .await;
    let (_, attempts, reason) = lab.retry_queue().await.remove(0);
    assert_eq!(attempts, 5);
    assert!(reason.contains("the bank is broken"), "{reason}");
    assert_eq!(lab.kinds().await.last().unwrap(), "command.stalled.v1");
    assert_eq!(
        lab.inbox_state(failing.header.id).await.0,
        "parked",
        "dead is no outcome"
    );

    let answers = replica.take(COMMANDS, &[&failing]).await;
    assert!(matches!(answers[..], [Answer::Repeated]), "{answers:?}");
    let successor = command("p", "pay1", take_out(2, "paypal"));
    let answers = replica.take(COMMANDS, &[&successor]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue]),
        "the dead block their subject: {answers:?}"
    );
    assert_eq!(lab.balance("p").await, 100);
}

#[tokio::test]
async fn what_the_states_cannot_hold_fails_alone_and_leaves_nothing_behind() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let full = lab.fact("full", i64::MAX);
    let beyond = lab.fact("full", 1);
    let other = lab.fact("p", 100);
    let answers = replica.take(FACTS, &[&full, &beyond, &other]).await;
    assert!(
        matches!(
            answers[..],
            [Answer::Done(_), Answer::InRetryQueue, Answer::Done(_)]
        ),
        "{answers:?}"
    );
    assert_eq!(
        lab.causes().await,
        [full.header.id, other.header.id],
        "the log has nothing of it"
    );
    assert_eq!(lab.balance("full").await, i64::MAX);
    assert_eq!(lab.balance("p").await, 100);
    let (state, _, reason) = lab.retry_queue().await.remove(0);
    assert_eq!(state, "retrying");
    assert!(reason.contains("the vault is full"), "{reason}");
}

#[tokio::test]
async fn what_two_replicas_schedule_at_once_is_tried_once() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let (replica, other) = (lab.start(false), lab.start(false));
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let failing = command("p", "pay1", take_out(1, "broken"));
    replica.take(COMMANDS, &[&failing]).await;
    for sql in [
        "UPDATE pipeline.parked SET next_at = next_at + 3600000000",
        "UPDATE pipeline.log_head SET position = position",
    ] {
        sqlx::query(sql).execute(&lab.pool).await.unwrap();
    }
    let before = lab.retry_queue().await[0].1;
    let mut fed_back = arrived(COMMANDS, &failing);
    fed_back.via = Via::InRetryQueue {
        attempts: before,
        arrival: 1,
        deadline: None,
        edition: 0,
    };
    // Not due: another has tried it meanwhile.
    let answers = other.take_raw(vec![fed_back]).await;
    assert!(matches!(answers[..], [Answer::Repeated]), "{answers:?}");
    assert_eq!(lab.retry_queue().await[0].1, before);
}

#[tokio::test]
async fn an_event_that_no_log_takes_parks_its_command_and_nothing_else() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    for method in ["huge", "poison"] {
        let bad = command("p", &format!("pay-{method}"), take_out(1, method));
        let good = command("p", &format!("pay-{method}-2"), take_out(10, "paypal"));
        let answers = replica.take(COMMANDS, &[&bad, &good]).await;
        assert!(
            matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
            "{method}: {answers:?}"
        );
        assert_eq!(
            lab.retry_queue().await.pop().unwrap().0,
            "retrying",
            "{method}"
        );
    }
    assert_eq!(lab.balance("p").await, 80);
}

#[tokio::test]
async fn what_waits_is_resumed_by_what_it_waits_for() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let patient = command("p", "pay1", take_out(50, "patient"));
    let answers = replica.take(COMMANDS, &[&patient]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    let fact = lab.fact("p", 20);
    replica.take(FACTS, &[&fact]).await;
    until("it looked and went on waiting", || async {
        lab.retry_queue()
            .await
            .first()
            .is_some_and(|row| row.0 == "waiting")
    })
    .await;
    let fact = lab.fact("p", 30);
    replica.take(FACTS, &[&fact]).await;
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 0);
    assert_eq!(lab.inbox_state(patient.header.id).await.0, "done");
}

#[tokio::test]
async fn looking_again_does_not_put_off_the_end_of_waiting() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let patient = command("p", "pay1", take_out(50, "patient"));
    replica.take(COMMANDS, &[&patient]).await;
    let waiting = async || -> (i64, i64) {
        sqlx::query_as("SELECT next_at, deadline FROM pipeline.parked")
            .fetch_one(&lab.pool)
            .await
            .unwrap()
    };
    let (_, deadline) = waiting().await;
    lab.advance_clock(30).await;
    let fact = message(FACTS, "conv1", "conv1", earns("p", 20), Some(1));
    replica.take(FACTS, &[&fact]).await;
    until("it looked again", || async { waiting().await.0 != 0 }).await;
    assert_eq!(waiting().await, (deadline, deadline));
}

#[tokio::test]
async fn what_waits_is_resumed_by_what_comes_behind_it_in_its_own_batch() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let patient = command("p", "pay1", take_out(50, "patient"));
    let fact = lab.fact("p", 50);
    let entry = vec![arrived(COMMANDS, &patient), arrived(FACTS, &fact)];
    let answers = replica.take_raw(entry).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "{answers:?}"
    );
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 0);
}

#[tokio::test]
async fn a_command_that_waits_beyond_its_deadline_is_rejected_and_lets_its_successor_go() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let patient = command("p", "pay1", take_out(50, "patient"));
    let successor = command("p", "pay1", take_out(50, "paypal"));
    replica.take(COMMANDS, &[&patient, &successor]).await;
    lab.advance_clock(10).await;
    assert_eq!(lab.retry_queue().await.len(), 2);
    lab.advance_clock(51).await;
    lab.until_the_retry_queue_is_empty().await;
    for (command, code) in [
        (&patient, "timed_out_waiting"),
        (&successor, "insufficient_balance"),
    ] {
        let state = lab.inbox_state(command.header.id).await;
        assert_eq!(state, ("rejected".to_owned(), Some(code.to_owned())));
    }
    assert_eq!(lab.causes().await, [patient.header.id, successor.header.id]);
}

#[tokio::test]
async fn a_batch_that_runs_into_a_time_out_is_tried_again_and_nothing_is_counted() {
    let mut lab = Lab::new().await;
    let fact = lab.fact("p", 100);
    let replica = lab.start(false);
    replica.take(FACTS, &[&fact]).await;
    lab.faults.slow.store(4, Ordering::SeqCst);
    let slow = command("p", "pay1", take_out(1, "slow"));
    let answers = replica.take(COMMANDS, &[&slow]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
    assert!(lab.retry_queue().await.is_empty());
}

#[tokio::test]
async fn a_message_that_alone_never_ends_in_time_goes_to_the_retry_queue_and_others_go_on() {
    let mut lab = Lab::new().await;
    let fact = lab.fact("p", 100);
    let replica = lab.start(false);
    replica.take(FACTS, &[&fact]).await;
    lab.faults.slow.store(1_000, Ordering::SeqCst);
    let slow = command("p", "pay1", take_out(1, "slow"));
    let other = command("p", "pay2", take_out(2, "paypal"));
    let answers = replica.take(COMMANDS, &[&slow, &other]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "{answers:?}"
    );
    let (state, _, reason) = lab.retry_queue().await.remove(0);
    assert_eq!(state, "retrying");
    assert!(reason.contains("statement timeout"), "{reason}");

    lab.faults.slow.store(0, Ordering::SeqCst);
    lab.advance_clock(2).await;
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 97);
}

#[tokio::test]
async fn after_an_unclean_stop_a_message_that_killed_the_process_is_found() {
    let mut lab = Lab::new().await;
    let fact = lab.fact("p", 100);
    let deadly = command("p", "pay1", take_out(1, "paypal"));
    lab.start(false).take(FACTS, &[&fact]).await;
    // It was noted before each try, and five processes died of it.
    sqlx::query("INSERT INTO pipeline.trying VALUES ($1, 5)")
        .bind(deadly.header.id)
        .execute(&lab.pool)
        .await
        .unwrap();
    let innocent = command("p", "pay2", take_out(10, "paypal"));
    let answers = lab.start(true).take(COMMANDS, &[&deadly, &innocent]).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "{answers:?}"
    );
    let (state, _, reason) = lab.retry_queue().await.remove(0);
    assert_eq!(state, "dead", "else it kills as many again at each retry");
    assert!(reason.contains("the process died 5 times"), "{reason}");
    assert_eq!(lab.balance("p").await, 90);
}

#[tokio::test]
async fn what_is_in_the_retry_queue_holds_up_what_is_about_the_same_thing_and_nothing_that_has_its_id_by_chance()
 {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    // A payout's id that is a conversion's.
    let patient = command("p", "same", take_out(50, "patient"));
    let fact = |sequence| message(FACTS, "same", "same", earns("q", 7), Some(sequence));
    let entry = vec![arrived(COMMANDS, &patient), arrived(FACTS, &fact(1))];
    let answers = replica.take_raw(entry).await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "in one batch: {answers:?}"
    );
    let answers = replica.take(FACTS, &[&fact(2)]).await;
    assert!(
        matches!(answers[..], [Answer::Done(_)]),
        "and in a later one: {answers:?}"
    );
    let successor = command("p", "same", take_out(1, "paypal"));
    let answers = replica.take(COMMANDS, &[&successor]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    lab.advance_clock(61).await;
    lab.until_the_retry_queue_is_empty().await;
}

#[tokio::test]
async fn what_is_due_does_not_stand_behind_something_dead_that_has_its_id_by_chance() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let _passed = lab.fact("q", 1);
    let reversed = CommissionReversedV1 {
        partner_id: "p".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: usd(1),
        reversed_total: usd(1),
        from: EarningStatus::Payable,
    };
    let dead = message(FACTS, "same", "same", reversed.into(), Some(1));
    replica.take(FACTS, &[&dead]).await;
    assert_eq!(lab.retry_queue().await[0].0, "dead");
    let patient = command("p", "same", take_out(50, "patient"));
    replica.take(COMMANDS, &[&patient]).await;
    let fact = lab.fact("p", 50);
    replica.take(FACTS, &[&fact]).await;
    until("only the dead one is left", || async {
        lab.retry_queue().await.len() == 1
    })
    .await;
    assert_eq!(lab.inbox_state(patient.header.id).await.0, "done");
    // Nor does an operator see the one beside the other.
    let rows = look::find(&lab.pool, dead.header.id, None).await.unwrap();
    replica
        .take(COMMANDS, &[&command("p", "same", take_out(50, "patient"))])
        .await;
    let around = look::around(&lab.pool, &rows[0], 10).await.unwrap();
    assert!(around.is_empty(), "{around:?}");
}

#[tokio::test]
async fn what_was_parked_before_its_entity_was_noted_holds_up_whatever_has_its_subject() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let patient = command("p", "same", take_out(50, "patient"));
    replica.take(COMMANDS, &[&patient]).await;
    sqlx::query("UPDATE pipeline.parked SET entity = NULL")
        .execute(&lab.pool)
        .await
        .unwrap();
    let fact = message(FACTS, "same", "same", earns("p", 50), Some(1));
    let answers = replica.take(FACTS, &[&fact]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    lab.advance_clock(61).await;
    lab.until_the_retry_queue_is_empty().await;
    let state = lab.inbox_state(patient.header.id).await;
    assert_eq!(state.1.as_deref(), Some("timed_out_waiting"));
    assert_eq!(lab.balance("p").await, 50, "in order");
}

#[tokio::test]
async fn what_an_older_build_kept_notes_an_older_fold_when_read_models_are_fed_it() {
    let lab = Lab::new().await;
    let kept = "INSERT INTO pipeline.fold VALUES (true, 5) ON CONFLICT (only_row) DO UPDATE SET version = 5;
                INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, entity, attempts, next_at, header, schema_id, body)
                VALUES ('campaign', gen_random_uuid(), 1, 'campaign-events', 'unknown_type', 'unknown', 'enr1', NULL, 0, 0, '{\"type\": \"newer.v1\"}', 1, '');
                UPDATE pipeline.log_head SET position = position";
    sqlx::raw_sql(kept).execute(&lab.pool).await.unwrap();
    let fed = async |known: &str| {
        let fed = retry_queue::feed_back_known(&lab.pool, &[known], Some(4)).await;
        let fold = sqlx::query_scalar::<_, i32>("SELECT version FROM pipeline.fold");
        (fed.unwrap(), fold.fetch_one(&lab.pool).await.unwrap())
    };
    assert_eq!(fed("another.v1").await, (0, 5));
    assert_eq!(fed("newer.v1").await, (1, 4));
    assert_eq!(fed("newer.v1").await, (0, 4));
}
