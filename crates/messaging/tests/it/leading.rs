//! The relay's lock: one process ships, another takes over when it dies, and who lost it moves no cursor.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use messaging::{Tasks, relay};
use runtime::testing::until;
use tokio_util::sync::CancellationToken;

use crate::lab::Lab;

/// Competes for the lock; the relay epoch that it leads with, 0 while it does not.
fn compete(lab: &Lab) -> (Arc<AtomicI64>, CancellationToken) {
    let (leads, stop) = (Arc::new(AtomicI64::new(0)), CancellationToken::new());
    let tasks = Tasks::new(stop.clone());
    let seen = Arc::clone(&leads);
    let start = move |tasks: &Tasks, epoch: i64| {
        seen.store(epoch, Ordering::SeqCst);
        let (seen, ended) = (Arc::clone(&seen), tasks.stop().clone());
        tasks.spawn("shipping", async move {
            ended.cancelled().await;
            seen.store(0, Ordering::SeqCst);
        });
    };
    tasks.spawn("lead", relay::lead(lab.pool.clone(), stop.clone(), start));
    (leads, stop)
}

#[tokio::test]
async fn one_process_leads_and_another_takes_over_when_its_session_dies() {
    let lab = Lab::new().await;
    sqlx::query("INSERT INTO pipeline.relay_cursor VALUES ('payment-events', 0, 0, 1)")
        .execute(&lab.pool)
        .await
        .unwrap();
    let (first, first_stop) = compete(&lab);
    until("one leads", || async { first.load(Ordering::SeqCst) > 0 }).await;
    let (second, second_stop) = compete(&lab);
    let epoch = first.load(Ordering::SeqCst);

    let killed = sqlx::query(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l, pg_database d
          WHERE l.locktype = 'advisory' AND l.granted AND d.oid = l.database AND d.datname = current_database()",
    );
    killed.execute(&lab.pool).await.unwrap();
    let newest = || {
        first
            .load(Ordering::SeqCst)
            .max(second.load(Ordering::SeqCst))
    };
    until("somebody leads anew", || async { newest() > epoch }).await;
    until("only one of them", || async {
        let leading = [&first, &second].map(|leads| leads.load(Ordering::SeqCst) > 0);
        leading == [true, false] || leading == [false, true]
    })
    .await;
    // A cursor of the new epoch is not moved with the old one's number.
    let moved = sqlx::query("UPDATE pipeline.relay_cursor SET position = 9 WHERE relay_epoch = $1")
        .bind(epoch)
        .execute(&lab.pool)
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 0);
    first_stop.cancel();
    second_stop.cancel();
}
