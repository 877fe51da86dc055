//! Watermarks: the next is handled, lower is a duplicate, higher stops the stream.

use messaging::Answer;
use schemas::Message;

use crate::lab::{FACTS, Lab};

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
