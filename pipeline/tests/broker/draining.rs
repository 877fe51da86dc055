//! Leaving the broker: what lies in a subscription is handled before nobody consumes it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::road::consumer::{self, DRAIN, Subscription};
use pipeline::{Answer, Health, Queue};
use pulsar::producer::Message as RawMessage;
use schemas::{Service, Topic};
use tokio_util::sync::CancellationToken;

use crate::foreign_producer;
use crate::lab::{broker, place, settings, trust};

const COMMANDS: Topic = Topic::TrackingCommands;

/// Answers what comes as an engine would after its commit, `slowly` only when it is let go.
fn answering(queue: Queue, let_go: CancellationToken) -> Arc<AtomicUsize> {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move {
        let_go.cancelled().await;
        loop {
            queue.ready().await;
            for item in queue.fill().items {
                count.fetch_add(item.messages.len(), Ordering::SeqCst);
                let answers = item.messages.iter().map(|_| Answer::Skipped).collect();
                let _gone = item.done.send(answers);
            }
        }
    });
    handled
}

#[tokio::test]
async fn draining_ends_when_all_is_handled_and_not_before() {
    let (service_url, admin_url) = broker();
    let place = place(&admin_url, 1);
    place.provision().await.unwrap();
    let settings = settings(&service_url, &place);
    let mut foreign = foreign_producer(&settings, COMMANDS, None).await;
    for _ in 0..300 {
        let sent = foreign.send_non_blocking(RawMessage {
            payload: vec![1, 2, 3],
            ..RawMessage::default()
        });
        sent.await.unwrap().await.unwrap();
    }
    let (queue, let_go) = (Queue::default(), CancellationToken::new());
    let handled = answering(queue.clone(), let_go.clone());
    let health = Health::default();
    health.expect(DRAIN, COMMANDS, 0);
    let subscription = Subscription {
        settings: settings.clone(),
        trust: trust(),
        follower: Service::Tracking,
        topic: COMMANDS,
        partition: 0,
    };
    let stop = CancellationToken::new();
    let draining = consumer::drain(
        subscription.clone(),
        queue.inlet(),
        health.clone(),
        stop.clone(),
    );
    tokio::pin!(draining);
    let early = tokio::time::timeout(Duration::from_secs(2), &mut draining).await;
    assert!(early.is_err(), "nothing is handled yet");
    assert!(!health.never_opened().is_empty(), "so it is not ready");
    let_go.cancel();
    tokio::time::timeout(Duration::from_secs(30), draining)
        .await
        .unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 300);
    assert!(health.never_opened().is_empty());
    assert_eq!(place.backlog(COMMANDS).await.unwrap(), 0);

    // An empty one is found empty.
    let again = consumer::drain(subscription, queue.inlet(), health, stop);
    tokio::time::timeout(Duration::from_secs(15), again)
        .await
        .unwrap();
}
