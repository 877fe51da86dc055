//! Group commit: many callers, one transaction, one answer each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use messaging::Tasks;
use messaging::group::{Group, GroupError, GroupWrite};
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

/// Doubles numbers; refuses any group with a zero.
#[derive(Clone, Default)]
struct Doubling {
    groups: Arc<AtomicUsize>,
}

impl GroupWrite for Doubling {
    type In = i64;
    type Out = i64;

    async fn write(&self, items: Vec<i64>) -> Result<Vec<i64>, sqlx::Error> {
        self.groups.fetch_add(1, Ordering::SeqCst);
        if items.contains(&0) {
            return Err(sqlx::Error::PoolClosed);
        }
        Ok(items.into_iter().map(|item| item * 2).collect())
    }
}

#[tokio::test]
async fn each_caller_gets_its_own_answer_of_few_transactions() {
    let (tasks, writing) = (Tasks::new(CancellationToken::new()), Doubling::default());
    let group = Group::start(
        &tasks,
        "doubling",
        100,
        Duration::from_millis(5),
        writing.clone(),
    );
    let answers = join_all((1..=300).map(|number| group.submit(number))).await;
    let answers: Vec<i64> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        answers,
        (1..=300).map(|number| number * 2).collect::<Vec<_>>()
    );
    assert!(writing.groups.load(Ordering::SeqCst) < 20);
    tasks.stop().cancel();
}

/// So long that nobody would wait for it.
const NEVER: Duration = Duration::from_hours(1);

#[tokio::test]
async fn callers_that_ask_again_when_they_are_answered_wait_for_each_other_and_for_nobody_else() {
    let (tasks, writing) = (Tasks::new(CancellationToken::new()), Doubling::default());
    let group = Group::start(&tasks, "doubling", 100, NEVER, writing.clone());
    let asks = (1..=8).map(|number| {
        let group = group.clone();
        async move {
            for _ in 0..10 {
                assert_eq!(group.submit(number).await.unwrap(), number * 2);
            }
        }
    });
    join_all(asks).await;
    let groups = writing.groups.load(Ordering::SeqCst);
    assert!((10..=11).contains(&groups), "{groups}");
    tasks.stop().cancel();
}

/// Notes how much each of its groups weighs.
#[derive(Clone, Default)]
struct Weighing(Arc<Mutex<Vec<usize>>>);

impl GroupWrite for Weighing {
    type In = usize;
    type Out = ();

    fn weight(item: &usize) -> usize {
        *item
    }

    async fn write(&self, items: Vec<usize>) -> Result<Vec<()>, sqlx::Error> {
        self.0.lock().unwrap().push(items.iter().sum());
        Ok(vec![(); items.len()])
    }
}

#[tokio::test]
async fn what_weighs_much_fills_a_transaction_as_many_do_and_takes_the_place_of_one_in_the_queue() {
    let (tasks, writing) = (Tasks::new(CancellationToken::new()), Weighing::default());
    let pace = Duration::from_millis(5);
    let group = Group::start(&tasks, "weighing", 10, pace, writing.clone());
    let answers = join_all((0..40).map(|_| group.submit(4))).await;
    assert!(answers.iter().all(Result::is_ok));
    let groups = writing.0.lock().unwrap();
    assert_eq!(groups.iter().sum::<usize>(), 160);
    assert!(groups.iter().all(|weight| *weight <= 12), "{groups:?}");
    tasks.stop().cancel();
}

#[tokio::test]
async fn a_failed_transaction_is_returned_to_all_and_the_next_goes_on() {
    let tasks = Tasks::new(CancellationToken::new());
    let group = Group::start(
        &tasks,
        "doubling",
        100,
        Duration::from_millis(5),
        Doubling::default(),
    );
    let failed = group.submit(0).await;
    assert!(matches!(failed, Err(GroupError::Failed(_))), "{failed:?}");
    assert_eq!(group.submit(4).await.unwrap(), 8);
    tasks.stop().cancel();
    tasks.finished().await;
    assert!(
        group.submit(1).await.is_err(),
        "a service that stops says so"
    );
}

#[tokio::test]
async fn what_a_request_of_before_the_stop_hands_over_after_it_is_written() {
    let tasks = Tasks::new(CancellationToken::new());
    let pace = Duration::from_millis(5);
    let group = Group::start(&tasks, "doubling", 100, pace, Doubling::default());
    let (stop, asks) = (tasks.stop().clone(), group.clone());
    let (answer, answered) = tokio::sync::oneshot::channel();
    tasks.spawn_serving("http", async move {
        stop.cancelled().await;
        // Everything else that the stop wakes has run before.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let _ = answer.send(asks.submit(4).await);
    });
    tasks.stop().cancel();
    tasks.finished().await;
    assert_eq!(answered.await.unwrap().unwrap(), 8);
    assert!(group.submit(1).await.is_err(), "nobody writes any more");
}

/// Is never answered at first.
struct Silent(AtomicUsize);

impl GroupWrite for Silent {
    type In = i64;
    type Out = i64;
    const PATIENCE: Duration = Duration::from_millis(50);

    async fn write(&self, items: Vec<i64>) -> Result<Vec<i64>, sqlx::Error> {
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        Ok(items)
    }
}

#[tokio::test]
async fn a_transaction_that_is_not_answered_holds_up_nobody_for_good() {
    let tasks = Tasks::new(CancellationToken::new());
    let silent = Silent(AtomicUsize::new(0));
    let group = Group::start(&tasks, "silent", 100, Duration::ZERO, silent);
    let first = group.submit(1).await;
    assert!(
        matches!(&first, Err(GroupError::Failed(reason)) if reason.contains("no answer")),
        "{first:?}"
    );
    assert_eq!(group.submit(2).await.ok(), Some(2));
    tasks.stop().cancel();
}
