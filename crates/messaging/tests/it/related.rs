//! What is found of a request: before and after its part of the log is summarised, within bounds, and in the retry queue.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use messaging::related::{self, MAX_MESSAGES, Question, Related, summary};
use messaging::{Lookups, NewMessage, WriteTx};
use sqlx::PgPool;
use uuid::Uuid;

use crate::archives::{archive_all, long_log, verify_all};
use crate::bank::take_out;
use crate::lab::{COMMANDS, Lab, command};
use crate::restores::fact;

async fn append(lab: &Lab, messages: Vec<NewMessage>) {
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    for message in messages {
        tx.append(message).unwrap();
    }
    tx.commit().await.unwrap();
}

/// Rows enough for many ranges of pages.
async fn fill(pool: &PgPool) {
    sqlx::query(
        "INSERT INTO pipeline.message_log (position, id, type, key, subject, time, correlation_id, schema_id, body)
         SELECT 1000 + n, gen_random_uuid(), 't', 'k', 's' || n, 0, gen_random_uuid(), 1, decode(repeat('00', 1000), 'hex')
           FROM generate_series(1, 5000) n",
    )
    .execute(pool)
    .await
    .unwrap();
}

fn of_request(id: Uuid) -> Question {
    Question {
        correlation_ids: vec![id],
        ..Question::default()
    }
}

async fn look(lab: &Lab, question: &Question) -> Related {
    related::look(&lab.pool, &lab.writer.schema_ids, question)
        .await
        .unwrap()
}

async fn kinds(lab: &Lab, question: &Question) -> Vec<(i64, String)> {
    let found = look(lab, question).await;
    let each = found.messages.into_iter();
    each.map(|message| (message.position, message.kind))
        .collect()
}

/// How many rows were read for nothing.
async fn read_for_nothing(pool: &PgPool, id: Uuid) -> i64 {
    let mut tx = messaging::begin(pool, "BEGIN").await.unwrap();
    sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        .execute(&mut *tx)
        .await
        .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM pipeline.message_log WHERE correlation_id = $1",
    )
    .bind(id)
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let lines = plan
        .iter()
        .filter_map(|line| line.split("Recheck: ").nth(1));
    lines.map(|rows| rows.parse::<i64>().unwrap()).sum()
}

#[tokio::test]
async fn messages_are_found_before_and_after_their_part_of_the_log_is_summarised() {
    let lab = Lab::new().await;
    let (first, second) = (fact(), fact());
    let (request, subject) = (first.correlation_id, first.subject.clone());
    let mut third = fact();
    third.correlation_id = request;
    third.causation_id = Some(first.id);
    let cause = first.id;
    append(&lab, vec![first, second, third]).await;
    fill(&lab.pool).await;
    let of_subject = Question {
        subjects: vec![subject],
        ..Question::default()
    };
    let caused = Question {
        causation_ids: vec![cause],
        ..of_request(request)
    };
    let look = async || {
        let calculated = "commission.calculated.v1".to_owned();
        let found = kinds(&lab, &of_request(request)).await;
        assert_eq!(found, [(1, calculated.clone()), (3, calculated.clone())]);
        assert_eq!(kinds(&lab, &of_subject).await, [(1, calculated.clone())]);
        assert_eq!(kinds(&lab, &caused).await, [(3, calculated)]);
        assert_eq!(kinds(&lab, &of_request(Uuid::now_v7())).await, []);
    };
    look().await;
    let before = read_for_nothing(&lab.pool, request).await;
    assert!(before > 4_000, "{before}");
    let mut done = BTreeMap::new();
    summary::step(&lab.pool, &mut done).await.unwrap();
    assert!(done.values().any(|page| *page > 0), "{done:?}");
    look().await;
    let after = read_for_nothing(&lab.pool, request).await;
    assert!(after < before / 2, "{after} after {before}");
    let pages = done.clone();
    summary::step(&lab.pool, &mut done).await.unwrap();
    assert_eq!(done, pages, "what is not full has to wait");
    let late = fact();
    let request = late.correlation_id;
    append(&lab, vec![late]).await;
    assert_eq!(kinds(&lab, &of_request(request)).await.len(), 1);
}

#[tokio::test]
async fn a_closed_partition_is_looked_up_in_by_indexes_of_its_own_and_the_newest_is_not() {
    let (lab, _) = long_log(150).await;
    let (request, subject): (Uuid, String) = sqlx::query_as(
        "SELECT correlation_id, subject FROM pipeline.message_log WHERE position = 70",
    )
    .fetch_one(&lab.pool)
    .await
    .unwrap();
    let plan = async || {
        let mut tx = messaging::begin(&lab.pool, "BEGIN").await.unwrap();
        sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
            .execute(&mut *tx)
            .await
            .unwrap();
        let lines: Vec<String> = sqlx::query_scalar(
            "EXPLAIN (COSTS OFF) SELECT * FROM pipeline.message_log WHERE correlation_id = ANY($1)
             UNION ALL SELECT * FROM pipeline.message_log WHERE subject = ANY($2)",
        )
        .bind(vec![request])
        .bind(vec![subject.clone()])
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        lines.concat()
    };
    let before = plan().await;
    let mut made = 0;
    while summary::index_closed(&lab.pool).await.unwrap() {
        made += 1;
    }
    assert_eq!(made, 1, "of the second part there may come more");
    let after = plan().await;
    for index in ["message_log_0_by_request", "message_log_0_by_subject"] {
        assert!(!before.contains(index), "{before}");
        assert!(after.contains(index), "{after}");
    }
    let newest = "Bitmap Index Scan on message_log_1_correlation_id_subject_idx";
    assert!(after.contains(newest), "{after}");
    assert_eq!(kinds(&lab, &of_request(request)).await.len(), 1);
    let of_subject = Question {
        subjects: vec![subject],
        ..Question::default()
    };
    assert_eq!(kinds(&lab, &of_subject).await.len(), 1);
}

#[tokio::test]
async fn no_more_messages_are_answered_with_than_the_bound() {
    let lab = Lab::new().await;
    let request = Uuid::now_v7();
    let of_it = || NewMessage {
        correlation_id: request,
        ..fact()
    };
    append(&lab, (0..MAX_MESSAGES).map(|_| of_it()).collect()).await;
    let question = of_request(request);
    let found = look(&lab, &question).await;
    assert!(found.messages.len() == MAX_MESSAGES && !found.truncated);
    append(&lab, vec![of_it()]).await;
    let found = look(&lab, &question).await;
    assert!(found.messages.len() == MAX_MESSAGES && found.truncated);
}

#[tokio::test]
async fn large_messages_are_answered_with_while_their_bodies_fit() {
    let lab = Lab::new().await;
    let request = Uuid::now_v7();
    let of_it = || NewMessage {
        correlation_id: request,
        subject: "s".repeat(100_000),
        ..fact()
    };
    append(&lab, (0..20).map(|_| of_it()).collect()).await;
    let found = look(&lab, &of_request(request)).await;
    assert_eq!((found.messages.len(), found.truncated), (10, true));
}

#[tokio::test]
async fn new_partitions_have_the_index_and_what_is_archived_is_named() {
    let (lab, folder) = long_log(350).await;
    let indexes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'pipeline.message_log_related'::regclass",
    )
    .fetch_one(&lab.pool)
    .await
    .unwrap();
    assert!(indexes >= 4, "{indexes}");
    archive_all(&lab).await;
    verify_all(&lab).await;
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let dropped = operations::archive::drop_below(&mut tx, 250).await.unwrap();
    tx.commit().await.unwrap();
    assert!(dropped > 0);
    let found = look(&lab, &of_request(Uuid::now_v7())).await;
    assert_eq!(found.archived_to, dropped);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_is_in_the_retry_queue_is_found_by_the_request_that_led_to_it() {
    let lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let failing = command("p", "pay1", take_out(1, "broken"));
    let request = failing.header.correlation_id;
    replica.take(COMMANDS, &[&failing]).await;
    let of_subject = Question {
        subjects: vec!["pay1".to_owned()],
        ..Question::default()
    };
    for question in [of_request(request), of_subject] {
        let found = look(&lab, &question).await;
        assert_eq!(found.retry_queue.len(), 1, "{found:?}");
        let row = &found.retry_queue[0];
        assert_eq!(row.message_id, failing.header.id);
        assert_eq!(row.correlation_id, Some(request));
        assert_eq!(
            row.kind.as_deref(),
            Some("payment.request_payout.command.v1")
        );
        assert_eq!(found.commands[0].state, "parked");
    }
}
