//! Effects: performed after the commit of their cause, again after a crash, with one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host::testing::until;
use money::ids;
use pipeline::effects::{self, Effect};
use pipeline::relay::Source;
use schemas::{Message, Service};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, Replica, command};

/// Takes one more unit out for every payout that is told to.
struct Follow {
    performed: Arc<AtomicUsize>,
    fails: usize,
}

impl Effect for Follow {
    const NAME: &'static str = "follow";

    fn wants(&self, kind: &str) -> bool {
        kind == "payout.requested.v1"
    }

    async fn perform(&self, event: &Message) -> Result<Vec<Message>, String> {
        if self.performed.fetch_add(1, Ordering::SeqCst) < self.fails {
            return Err("the provider is away".to_owned());
        }
        if event.header.subject.starts_with("follow") {
            return Ok(Vec::new());
        }
        let mut answer = command(
            "p",
            &format!("follow-{}", event.header.subject),
            take_out(1, "paypal"),
        );
        answer.header.id = ids::effect_command_id(Self::NAME, event.header.id, "followed");
        Ok(vec![answer])
    }
}

async fn run(
    lab: &Lab,
    replica: &Replica,
    fails: usize,
    performed: Arc<AtomicUsize>,
    stop: CancellationToken,
) {
    let committed = watch::Sender::new(0);
    let source = Source {
        pool: lab.pool.clone(),
        service: Service::Payment.name(),
        schema_ids: lab.writer.schema_ids.clone(),
        committed: committed.subscribe(),
        spans: None,
    };
    let effect = Arc::new(Follow { performed, fails });
    effects::run(effect, source, replica.inlet.clone(), COMMANDS, stop).await;
}

async fn perform_until_balance(lab: &Lab, replica: &Replica, fails: usize, balance: i64) -> usize {
    let (performed, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let running = run(lab, replica, fails, Arc::clone(&performed), stop.clone());
    let watching = async {
        until("the effects are answered and noted", || async {
            let noted: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pipeline.effect_cursor c, pipeline.log_head h WHERE c.position = h.position",
            )
            .fetch_one(&lab.pool)
            .await
            .unwrap();
            lab.balance("p").await == balance && noted == 1
        })
        .await;
        stop.cancel();
    };
    tokio::join!(running, watching);
    performed.load(Ordering::SeqCst)
}

#[tokio::test]
async fn an_effect_that_is_performed_again_after_a_crash_is_answered_once() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    for number in 0..3 {
        let payout = command("p", &format!("pay{number}"), take_out(10, "paypal"));
        replica.take(COMMANDS, &[&payout]).await;
    }
    assert!(perform_until_balance(&lab, &replica, 0, 67).await >= 6);
    // The crash came after the answers and before the cursor.
    sqlx::query("UPDATE pipeline.effect_cursor SET position = 0")
        .execute(&lab.pool)
        .await
        .unwrap();
    assert!(perform_until_balance(&lab, &replica, 0, 67).await >= 6);
    assert_eq!(lab.balance("p").await, 67);
}

#[tokio::test]
async fn an_effect_that_fails_is_performed_again_and_blocks_no_commit() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let payout = command("p", "pay1", take_out(10, "paypal"));
    replica.take(COMMANDS, &[&payout]).await;
    assert_eq!(lab.balance("p").await, 90, "the cause stands by itself");
    assert!(perform_until_balance(&lab, &replica, 2, 89).await >= 4);
}
