//! Jobs: due things become commands once, whatever becomes of the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use messaging::Answer;
use messaging::clock::{self, Looked};
use messaging::job::{self, Job};
use runtime::testing::until;
use schemas::{Message, Topic};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use types::{Micros, ids};
use uuid::Uuid;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, Replica, command};
use crate::queues::fact_of_others;

/// A job as its leader runs it, until stopped.
fn run<J: Job>(
    job: J,
    lab: &Lab,
    replica: &Replica,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<J> {
    let (pool, flow) = (lab.pool.clone(), replica.flow.clone());
    let committed = replica.committed.clone();
    let looked = watch::channel(Looked::default()).1;
    job::run(Arc::new(job), pool, flow, committed, looked, stop.clone())
}

/// Always due, with always the same command.
struct Overdue {
    requests: Arc<AtomicUsize>,
}

impl Job for Overdue {
    const NAME: &'static str = "overdue";

    async fn due(&self, _: &PgPool, _: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let mut message = command("p", "pay1", take_out(50, "patient"));
        message.header.id = ids::timer_command_id("pay1", Self::NAME, Micros(1));
        Ok(vec![message])
    }
}

#[tokio::test]
async fn a_job_whose_command_is_in_the_retry_queue_fires_once_and_does_not_spin() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let (stop, requests) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let job = Overdue {
        requests: Arc::clone(&requests),
    };
    let running = run(job, &lab, &replica, &stop);
    let watching = async {
        until("it went to the retry queue", || async {
            !lab.retry_queue().await.is_empty()
        })
        .await;
        let (started, before) = (Instant::now(), requests.load(Ordering::SeqCst));
        until("it looked again", || async {
            requests.load(Ordering::SeqCst) >= before + 4
        })
        .await;
        let paced = started.elapsed();
        stop.cancel();
        paced
    };
    let ((), paced) = tokio::join!(running, watching);
    assert!(
        paced > Duration::from_millis(500),
        "four looks in {paced:?}"
    );
    assert_eq!(lab.retry_queue().await.len(), 1);
}

/// Payouts that are due one after the other, one at a time, each until it is done.
struct OneByOne([Message; 3]);

impl Job for OneByOne {
    const NAME: &'static str = "one_by_one";

    async fn due(
        &self,
        pool: &PgPool,
        _: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let done: Vec<Uuid> =
            sqlx::query_scalar("SELECT id FROM pipeline.inbox WHERE state = 'done'")
                .fetch_all(pool)
                .await?;
        let due = self.0.iter().filter(|it| !done.contains(&it.header.id));
        let passed = usize::try_from(passed).unwrap();
        Ok(due.skip(passed).take(1).cloned().collect())
    }
}

#[tokio::test]
async fn what_a_job_has_in_the_retry_queue_keeps_nothing_back_that_is_due_behind_it() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("q", 10);
    replica.take(FACTS, &[&fact]).await;
    let earned = lab.fact("p", 100);
    let waits = |payout| command("p", payout, take_out(50, "patient"));
    let last = command("q", "pay3", take_out(10, "paypal"));
    let id = last.header.id;
    let job = OneByOne([waits("pay1"), waits("pay2"), last]);
    let stop = CancellationToken::new();
    let running = run(job, &lab, &replica, &stop);
    let watching = async {
        until("the last is done", || async {
            let state: Option<String> =
                sqlx::query_scalar("SELECT state FROM pipeline.inbox WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&lab.pool)
                    .await
                    .unwrap();
            state.as_deref() == Some("done")
        })
        .await;
        assert_eq!(lab.retry_queue().await.len(), 2);
        // What was passed is done as soon as it can be, whoever fires.
        replica.take(FACTS, &[&earned]).await;
        lab.until_the_retry_queue_is_empty().await;
        stop.cancel();
    };
    tokio::join!(running, watching);
    assert_eq!(lab.balance("p").await, 0);
}

/// Five that are known at first and done elsewhere then, one that nobody has done, and with each look one more.
struct Growing {
    known: Vec<Message>,
    left_out: Message,
    looks: AtomicUsize,
}

impl Job for Growing {
    const NAME: &'static str = "growing";

    async fn due(
        &self,
        pool: &PgPool,
        _: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        let known = self.known.iter().filter(|_| looks == 0).cloned();
        let done: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM pipeline.inbox")
            .fetch_all(pool)
            .await?;
        let left_out = (looks > 0).then(|| self.left_out.clone());
        let left_out = left_out.filter(|it| !done.contains(&it.header.id));
        let more = (0..5).map(|at| {
            let payout = format!("more-{looks}-{at}");
            command("p", &payout, take_out(1, "paypal"))
        });
        let due = known.chain(left_out).chain(more);
        Ok(due.skip(usize::try_from(passed).unwrap()).collect())
    }
}

#[tokio::test]
async fn what_a_job_has_passed_and_is_gone_keeps_nothing_back_where_more_is_due_at_each_look() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 1_000_000);
    replica.take(FACTS, &[&fact]).await;
    let known: Vec<Message> = (0..5)
        .map(|at| command("p", &format!("known{at}"), take_out(1, "paypal")))
        .collect();
    replica
        .take(COMMANDS, &known.iter().collect::<Vec<_>>())
        .await;
    let left_out = command("p", "left-out", take_out(1, "paypal"));
    let id = left_out.header.id;
    let job = Growing {
        known,
        left_out,
        looks: AtomicUsize::new(0),
    };
    let stop = CancellationToken::new();
    let running = run(job, &lab, &replica, &stop);
    let watching = async {
        until("what was left out is done", || async {
            let done: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pipeline.inbox WHERE id = $1)")
                    .bind(id)
                    .fetch_one(&lab.pool)
                    .await
                    .unwrap();
            done
        })
        .await;
        stop.cancel();
    };
    tokio::join!(running, watching);
}

#[tokio::test]
async fn a_look_at_the_logs_head_tells_the_time_and_whether_anything_may_be_due_in_the_retry_queue()
{
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let (stop, looked) = (CancellationToken::new(), Arc::new(watch::Sender::default()));
    let known: watch::Receiver<Looked> = looked.subscribe();
    let committed = Arc::new(watch::Sender::new(0));
    let (pool, writer) = (lab.pool.clone(), lab.writer.clone());
    let watching = clock::watch_head(pool, writer, committed, looked, stop.clone());
    let looking_on = async {
        until("nothing is due", || async { !known.borrow().retries }).await;
        let before = known.borrow().now;
        replica
            .take(COMMANDS, &[&command("p", "pay1", take_out(50, "patient"))])
            .await;
        until("time goes on", || async { known.borrow().now > before }).await;
        assert!(!known.borrow().retries, "what waits is not due yet");
        // Again and again: the scheduler here sends it in, and it waits once more.
        until("it is due", || async {
            sqlx::query("UPDATE pipeline.parked SET next_at = 0")
                .execute(&lab.pool)
                .await
                .unwrap();
            known.borrow().retries
        })
        .await;
        stop.cancel();
    };
    tokio::join!(watching, looking_on);
}

#[tokio::test]
async fn what_is_passed_by_is_no_news_for_jobs_and_what_comes_after_it_is() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let (stop, looked) = (CancellationToken::new(), Arc::new(watch::Sender::default()));
    let known: watch::Receiver<Looked> = looked.subscribe();
    let committed = Arc::new(watch::Sender::new(0));
    let mut news = committed.subscribe();
    let (pool, writer) = (lab.pool.clone(), lab.writer.clone());
    let watching = clock::watch_head(pool, writer, committed, looked, stop.clone());
    let looks = async |many: usize| {
        for _ in 0..many {
            let before = known.borrow().now;
            until("it looks", || async { known.borrow().now > before }).await;
        }
    };
    let looking_on = async {
        looks(1).await;
        news.mark_unchanged();
        for sequence in 1..=3 {
            let fact = fact_of_others(sequence);
            let answers = replica.take(Topic::CampaignEvents, &[&fact]).await;
            assert!(matches!(answers[..], [Answer::Skipped]), "{answers:?}");
        }
        looks(2).await;
        assert!(!news.has_changed().unwrap(), "nothing is due by it");
        replica
            .take(COMMANDS, &[&command("p", "pay1", take_out(50, "patient"))])
            .await;
        until("that is news", || async { news.has_changed().unwrap() }).await;
        stop.cancel();
    };
    tokio::join!(watching, looking_on);
}
