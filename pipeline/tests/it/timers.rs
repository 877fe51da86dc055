//! Timers: due things become commands once, whatever becomes of the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host::testing::until;
use money::{Micros, ids};
use pipeline::timers::{self, Timer};
use schemas::Message;
use sqlx::PgPool;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::bank::take_out;
use crate::lab::{COMMANDS, Lab, command};

/// Always due, with always the same command.
struct Overdue {
    asked: Arc<AtomicUsize>,
}

impl Timer for Overdue {
    const NAME: &'static str = "overdue";

    async fn due(&self, _: &PgPool, _: Micros) -> Result<Vec<Message>, sqlx::Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut message = command("p", "pay1", take_out(50, "patient"));
        message.header.id = ids::timer_command_id("pay1", Self::NAME, Micros(1));
        Ok(vec![message])
    }
}

#[tokio::test]
async fn a_timer_whose_command_is_set_aside_fires_once_and_does_not_spin() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let (stop, asked) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let timer = Arc::new(Overdue {
        asked: Arc::clone(&asked),
    });
    let running = timers::run(
        timer,
        lab.pool.clone(),
        replica.inlet.clone(),
        COMMANDS,
        stop.clone(),
    );
    let watching = async {
        until("it was set aside", || async {
            !lab.parked().await.is_empty()
        })
        .await;
        let (started, before) = (Instant::now(), asked.load(Ordering::SeqCst));
        until("it looked again", || async {
            asked.load(Ordering::SeqCst) >= before + 4
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
    assert_eq!(lab.parked().await.len(), 1);
}
