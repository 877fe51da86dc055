//! Whoever gives up a transaction that is being begun leaves nothing behind.

use std::future::Future;
use std::time::Duration;

use futures::poll;
use messaging::AdvisoryLock;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Postgres, Transaction};

use crate::lab::Lab;

const READ_ONLY: &str = "BEGIN READ ONLY";
/// More than until the server has answered.
const POLLS: u32 = 200;
/// Each with as many polls more.
const ROUNDS: u32 = 20;

/// Gives it up after it was polled so many times, and returns whether the pool's one connection can be written with.
async fn given_up<'a>(
    pool: &PgPool,
    begin: impl Future<Output = Result<Transaction<'a, Postgres>, sqlx::Error>>,
    polls: u32,
) -> bool {
    let mut begin = Box::pin(begin);
    for _ in 0..polls {
        if poll!(&mut begin).is_ready() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(begin);
    let is_read_only: String = sqlx::query_scalar("SHOW transaction_read_only")
        .fetch_one(pool)
        .await
        .unwrap();
    is_read_only == "off"
}

/// A pool of one connection, which is not looked at before it is given out: as services have it.
async fn one_connection(lab: &Lab) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .connect_with((*lab.pool.connect_options()).clone())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_transaction_that_waits_for_its_lock_in_vain_leaves_no_connection_within_it() {
    const IMPATIENT: &str = "BEGIN; SET LOCAL statement_timeout = '50ms'";
    let lab = Lab::new().await;
    let pool = one_connection(&lab).await;
    let holder = messaging::begin_with_lock(&lab.pool, "BEGIN", AdvisoryLock::Log).await;
    let (holder, _) = holder.unwrap();
    let refused = messaging::begin_with_lock(&pool, IMPATIENT, AdvisoryLock::Log).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("statement timeout"), "{error}");
    sqlx::raw_sql("SELECT 1").execute(&pool).await.unwrap();
    let next = messaging::begin(&pool, "BEGIN").await.unwrap();
    next.commit().await.unwrap();
    holder.commit().await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "what must not be used is shown")]
async fn a_transaction_that_is_given_up_while_it_begins_leaves_no_connection_within_it() {
    let lab = Lab::new().await;
    let pool = one_connection(&lab).await;
    for polls in 1..POLLS {
        let begin = messaging::begin(&pool, READ_ONLY);
        assert!(given_up(&pool, begin, polls).await, "after {polls} polls");
    }
    // It is what sqlx's own leaves behind: when it does not any more, `messaging::begin` can go.
    let mut leaves = false;
    // A busy machine's server takes longer to answer than a few polls do.
    let tries = (1..=ROUNDS).flat_map(|round| (1..POLLS).map(move |polls| polls * round));
    for polls in tries {
        leaves = !given_up(&pool, pool.begin_with(READ_ONLY), polls).await;
        if leaves {
            break;
        }
    }
    assert!(leaves, "sqlx mends it itself: use Pool::begin_with again");
}
