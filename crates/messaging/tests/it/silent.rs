//! A database's host that dies without a word.

use std::sync::Arc;
use std::time::Duration;

use messaging::Answer;
use messaging::clock::{self, Looked};
use runtime::testing::{Way, until};
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, command};

async fn way_to(lab: &Lab) -> Way {
    let url = lab.pool.connect_options().to_url_lossy();
    Way::to(url.as_str()).await
}

#[tokio::test]
async fn a_process_whose_connections_are_dead_and_do_not_tell_stops_when_another_is_answered() {
    let lab = Lab::new().await;
    let way = way_to(&lab).await;
    let pool = PgPool::connect(&way.url).await.unwrap();
    let looked = Arc::new(watch::Sender::<Looked>::default());
    let known = looked.subscribe();
    let committed = Arc::new(watch::Sender::new(0));
    let stop = CancellationToken::new();
    let watching = clock::watch_head(pool, lab.writer.clone(), committed, looked, stop.clone());
    let dying = async {
        until("it has looked", || async {
            known.borrow().now_at_least().is_some()
        })
        .await;
        way.silence_those_there();
    };
    let ended = Box::pin(tokio::time::timeout(Duration::from_mins(1), async {
        tokio::join!(watching, dying)
    }));
    assert!(ended.await.is_ok(), "it goes on");
    assert!(!stop.is_cancelled(), "it ended by itself");
}

/// What was sent was taken, so nothing is sent again that another host would refuse.
#[tokio::test]
async fn what_a_dead_host_does_not_answer_is_handled_by_another_connection() {
    let mut lab = Lab::new().await;
    let way = way_to(&lab).await;
    let pool = PgPoolOptions::new()
        .test_before_acquire(false)
        .connect(&way.url)
        .await
        .unwrap();
    for suspicious in [false, true] {
        let patience = Some(Duration::from_secs(2));
        let replica = lab.start_by(pool.clone(), patience, suspicious);
        let fact = lab.fact("partner123", 100);
        replica.take(FACTS, &[&fact]).await;
        until("the next batch has the same connection", || async {
            pool.num_idle() > 0
        })
        .await;
        way.silence_those_there();
        let fact = lab.fact("partner123", 100);
        let answers = replica.take(FACTS, &[&fact]).await;
        assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
        way.carry_again();
    }
    assert_eq!(lab.balance("partner123").await, 400);
}

/// Servers before 17 end no transaction that takes long, statement by statement.
#[tokio::test]
async fn what_takes_too_long_together_is_handled_one_by_one() {
    let mut lab = Lab::new().await;
    let patience = Some(Duration::from_secs(3));
    let replica = lab.start_by(lab.pool.clone(), patience, false);
    let fact = lab.fact("partner123", 100);
    replica.take(FACTS, &[&fact]).await;
    let late = ["pay1", "pay2", "pay3", "pay4"]
        .map(|payout| command("partner123", payout, take_out(1, "tardy")));
    let [first, second, third, fourth] = &late;
    let answers = replica
        .take(COMMANDS, &[first, second, third, fourth])
        .await;
    let done = answers.iter().filter(|it| matches!(it, Answer::Done(_)));
    assert_eq!(done.count(), 4, "{answers:?}");
    assert_eq!(lab.balance("partner123").await, 96);
}
