//! Watermarks: the next is handled, lower is a duplicate, higher stops the stream.

use messaging::{Answer, Lookups, NewMessage, Watermark, WriteTx, Writer, log};
use operations::fencing;
use schemas::{Message, Topic};
use sqlx::PgPool;

use crate::bank::{Event, take_out};
use crate::lab::{COMMANDS, FACTS, Lab, counted, messages_read};
use crate::restores::fact;

#[tokio::test]
async fn a_gap_stops_the_stream_until_what_is_missing_comes() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let facts: Vec<Message> = (0..5).map(|_| lab.fact("p", 1)).collect();
    let answers = replica
        .take(FACTS, &[&facts[0], &facts[2], &facts[3]])
        .await;
    assert!(
        matches!(
            answers[..],
            [
                Answer::Done(_),
                Answer::Gap { expected: 2, .. },
                Answer::Gap { expected: 2, .. }
            ]
        ),
        "{answers:?}"
    );
    let answers = replica.take(FACTS, &[&facts[4]]).await;
    assert!(
        matches!(answers[..], [Answer::Gap { expected: 2, .. }]),
        "{answers:?}"
    );
    assert_eq!(
        lab.balance("p").await,
        1,
        "nothing beyond the gap is handled"
    );

    let all: Vec<&Message> = facts.iter().collect();
    let answers = replica.take(FACTS, &all).await;
    assert!(matches!(answers[0], Answer::Repeated));
    assert!(
        answers[1..]
            .iter()
            .all(|answer| matches!(answer, Answer::Done(_))),
        "{answers:?}"
    );
    assert_eq!(lab.balance("p").await, 5);
}

#[tokio::test]
async fn a_rewound_relay_changes_nothing() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let facts: Vec<Message> = (0..20).map(|_| lab.fact("p", 1)).collect();
    let all: Vec<&Message> = facts.iter().collect();
    replica.take(FACTS, &all).await;
    let log = lab.causes().await;
    for start in [0, 7, 19] {
        let answers = replica.take(FACTS, &all[start..]).await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Answer::Repeated)),
            "{answers:?}"
        );
    }
    assert_eq!(lab.causes().await, log);
    assert_eq!(lab.balance("p").await, 20);
}

#[tokio::test]
async fn a_partition_that_moves_in_mid_batch_has_one_effect() {
    let mut lab = Lab::new().await;
    let (deposed, new) = (lab.start(false), lab.start(false));
    let facts: Vec<Message> = (0..200).map(|_| lab.fact("p", 1)).collect();
    let all: Vec<&Message> = facts.iter().collect();
    // The new consumer is sent everything that the deposed one has in flight and has not acknowledged.
    let old = async {
        for entry in all.chunks(20) {
            deposed.take(FACTS, entry).await;
        }
    };
    let moved = async {
        for entry in all.chunks(30) {
            let answers = new.take(FACTS, entry).await;
            if answers
                .iter()
                .any(|answer| matches!(answer, Answer::Gap { .. }))
            {
                new.take(FACTS, &all).await;
            }
        }
    };
    tokio::join!(old, moved);
    assert_eq!(lab.balance("p").await, 200);
    let expected: Vec<_> = facts.iter().map(|fact| fact.header.id).collect();
    assert_eq!(lab.causes().await, expected, "once, and in order");
}

#[tokio::test]
async fn a_source_whose_log_has_another_epoch_is_halted() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 1);
    replica.take(FACTS, &[&fact]).await;
    let mut restored = lab.fact("p", 1);
    (restored.header.epoch, restored.header.sequence) = (Some(2), Some(1));
    let answers = replica.take(FACTS, &[&restored]).await;
    assert!(
        matches!(answers[..], [Answer::Halted { .. }]),
        "{answers:?}"
    );
    assert_eq!(lab.balance("p").await, 1);

    // What comes behind it, again and again, is not noted anew: it is read over, and that costs others nothing.
    let noted = async || {
        let row = "SELECT xmin::text, came_epoch, sequence FROM pipeline.stopped_stream";
        let row = sqlx::query_as::<_, (String, i64, i64)>(row);
        row.fetch_one(&lab.pool).await.unwrap()
    };
    let first = noted().await;
    for sequence in 2..5 {
        restored.header.sequence = Some(sequence);
        replica.take(FACTS, &[&restored]).await;
    }
    assert_eq!(noted().await, first);
    restored.header.epoch = Some(3);
    replica.take(FACTS, &[&restored]).await;
    let last = noted().await;
    assert_eq!((last.1, last.2), (3, 4));

    // Nor is what forks before it, which comes again with it each time.
    let mut fork = fact.clone();
    fork.header.time.0 += 1_000_000;
    for again in [&fork, &restored] {
        let answers = replica.take(FACTS, &[again]).await;
        assert!(
            matches!(answers[..], [Answer::Halted { .. }]),
            "{answers:?}"
        );
    }
    assert_eq!(noted().await, last);
}

#[tokio::test]
async fn a_fact_without_a_place_in_its_sources_stream_is_not_taken_for_one() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let mut placeless = lab.fact("p", 1);
    (placeless.header.epoch, placeless.header.sequence) = (None, None);
    let mut impostor = lab.fact("p", 1);
    (impostor.header.source, impostor.header.sequence) = ("tracking".to_owned(), Some(1));
    for fact in [&placeless, &impostor] {
        for _ in 0..2 {
            let answers = replica.take(FACTS, &[fact]).await;
            assert!(!matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
        }
    }
    assert_eq!(lab.balance("p").await, 0);
    assert!(lab.retry_queue().await.iter().all(|row| row.0 == "dead"));
}

/// A command to append to a log.
pub fn request() -> NewMessage {
    NewMessage {
        topic: COMMANDS,
        body: take_out(1, "quick"),
        ..fact()
    }
}

/// Appends so many, at most five hundred at once.
pub async fn append(pool: &PgPool, writer: &Writer, count: usize, new: impl Fn() -> NewMessage) {
    for first in (0..count).step_by(500) {
        let mut tx = WriteTx::begin(pool, writer, Lookups::default())
            .await
            .unwrap();
        for _ in first..count.min(first + 500) {
            tx.append(new()).unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// Ten facts, each at a time of its own, and behind them twenty thousand commands.
pub async fn sparse_log() -> Lab {
    let lab = Lab::new().await;
    for _ in 0..10 {
        append(&lab.pool, &lab.writer, 1, fact).await;
    }
    append(&lab.pool, &lab.writer, 20_000, request).await;
    lab
}

#[tokio::test]
async fn a_place_in_a_stream_that_has_little_is_found_without_reading_all_of_the_log() {
    let lab = sparse_log().await;
    let earned = Event::Earned {
        partner: "p".to_owned(),
        minor: 1,
    };
    let late = || NewMessage {
        topic: Topic::PaymentEvents,
        body: schemas::Event::write(&earned).body,
        ..fact()
    };
    append(&lab.pool, &lab.writer, 3, late).await;
    append(&lab.pool, &lab.writer, 5_000, request).await;
    let pool = counted(&lab.pool).await;
    let facts = log::stream_after(&pool, FACTS, 0, 0, 100).await.unwrap();
    let fifth = facts[4].time;
    // Since this many were read, it is less than a quarter of the log.
    let little = async |before: i64| {
        let read = messages_read(&pool).await;
        assert!(read - before < 5_000, "{}", read - before);
        read
    };
    let mut read = messages_read(&pool).await;
    for (topic, sequence, position) in [
        (FACTS, 5, 5),
        (FACTS, 10, 10),
        (FACTS, 11, 10),
        (Topic::PaymentEvents, 2, 20_012),
        (COMMANDS, 20_000, 20_010),
        (Topic::CommissionCommands, 7, 0),
    ] {
        let found = log::position_of_sequence(&pool, topic, 0, 1, sequence).await;
        assert_eq!(found.unwrap(), position, "{topic:?}");
        read = little(read).await;
    }
    for (topic, sequence, to) in [
        (FACTS, 4, 4),
        (FACTS, 10, 25_013),
        (Topic::PaymentEvents, 0, 20_010),
        (Topic::CommissionCommands, 0, 25_013),
    ] {
        let passed = log::passed(&pool, topic, 0, 1, sequence).await;
        assert_eq!(passed.unwrap(), to, "{topic:?}");
        read = little(read).await;
    }
    let watermark = Watermark {
        sequence: 10,
        time: Some(fifth),
    };
    let fork = fencing::fork(&pool, FACTS, 0, 1, watermark).await.unwrap();
    let later = facts.iter().find(|row| row.time > fifth);
    assert_eq!(fork, later.map(|row| row.position));
    little(read).await;
}

#[tokio::test]
async fn messages_of_a_stream_that_stand_far_apart_are_read_one_after_the_other() {
    let lab = sparse_log().await;
    for (between, new) in [(5_000, 1), (17_000, 1)] {
        append(&lab.pool, &lab.writer, new, fact).await;
        append(&lab.pool, &lab.writer, between, request).await;
    }
    let pool = &lab.pool;
    let (mut at, mut positions) = (0, Vec::new());
    loop {
        let rows = log::stream_after(pool, FACTS, 0, at, 100).await.unwrap();
        let Some(last) = rows.last() else { break };
        at = last.position;
        positions.extend(rows.iter().map(|row| row.position));
    }
    let expected: Vec<i64> = (1..=10).chain([20_011, 25_012]).collect();
    assert_eq!(positions, expected);
    for (sequence, position) in (1..).zip(&expected) {
        let found = log::position_of_sequence(pool, FACTS, 0, 1, sequence).await;
        assert_eq!(found.unwrap(), *position);
        let passed = log::passed(pool, FACTS, 0, 1, sequence - 1).await;
        assert_eq!(passed.unwrap(), position - 1);
    }
}

#[tokio::test]
async fn what_a_streams_head_has_and_the_log_does_not_show_is_not_passed() {
    let lab = sparse_log().await;
    let hidden = sqlx::query("DELETE FROM pipeline.message_log WHERE position = 10");
    hidden.execute(&lab.pool).await.unwrap();
    let passed = log::passed(&lab.pool, FACTS, 0, 1, 9).await.unwrap();
    assert!(passed < 10, "{passed}");
}

#[tokio::test]
async fn a_follower_has_passed_a_raised_epoch_in_which_its_stream_has_nothing() {
    let lab = sparse_log().await;
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let raised = fencing::raise(&mut tx, &lab.pool, &lab.writer, 20_000).await;
    assert_eq!(raised.unwrap().restated, 10);
    tx.commit().await.unwrap();
    let pool = counted(&lab.pool).await;
    let passed = async |topic, epoch, sequence| {
        let passed = log::passed(&pool, topic, 0, epoch, sequence).await;
        passed.unwrap()
    };
    let read = messages_read(&pool).await;
    assert_eq!(passed(FACTS, 1, 10).await, 20_010);
    assert_eq!(passed(Topic::PaymentEvents, 1, 0).await, 20_010);
    assert_eq!(messages_read(&pool).await, read, "the marks say so");
    assert_eq!(passed(FACTS, 1, 9).await, 9);
    // What is stated again is not passed, nor what the old epoch had before it.
    assert_eq!(passed(COMMANDS, 1, 19_989).await, 19_999);
    assert_eq!(passed(COMMANDS, 1, 19_990).await, 20_000);
    assert_eq!(passed(COMMANDS, 2, 3).await, 20_003);
    assert_eq!(passed(COMMANDS, 2, 10).await, 20_010);
    // Each epoch has its own end, without what the next states again.
    for (topic, epoch, sequence, behind) in [
        (FACTS, 1, 4, 6),
        (FACTS, 1, 10, 0),
        (Topic::PaymentEvents, 1, 0, 0),
        (COMMANDS, 1, 19_989, 11),
        (COMMANDS, 2, 3, 7),
    ] {
        let ends = log::ends(&pool, topic, 0).await.unwrap();
        assert_eq!(log::behind(&ends, epoch, sequence), behind, "{topic:?}");
    }
    append(&pool, &lab.writer, 1, fact).await;
    assert_eq!(passed(FACTS, 1, 10).await, 20_010);
    assert_eq!(passed(FACTS, 2, 1).await, 20_011);
}
