//! Leaving the broker: what lies in a subscription is handled before nobody consumes it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::transport::consumer::{self, DRAIN, Subscription};
use messaging::transport::pulsar::BrokerSettings;
use messaging::{Answer, Health, Inbound, Queue};
use pulsar::producer::Message as RawMessage;
use pulsar::{Consumer, ConsumerOptions, SubType, TokioExecutor};
use runtime::testing::until;
use schemas::{Service, Topic};
use tokio_util::sync::CancellationToken;

use crate::forged::{activated, send, signed};
use crate::lab::{TOPIC, new_place, subscription, trust};
use crate::{external_producer, nothing_left};

const COMMANDS: Topic = Topic::TrackingCommands;

/// Answers what comes as an engine would after its commit, only when it is let go; counts what it handled.
fn answering(queue: Queue, let_go: CancellationToken) -> Arc<AtomicUsize> {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move {
        let_go.cancelled().await;
        let answer = |_: &Inbound| Answer::Skipped;
        answer_all(queue, &count, answer).await;
    });
    handled
}

async fn answer_all(queue: Queue, count: &AtomicUsize, answer: impl Fn(&Inbound) -> Answer) {
    loop {
        queue.ready().await;
        for item in queue.fill().items {
            count.fetch_add(item.messages.len(), Ordering::SeqCst);
            let answers = item.messages.iter().map(&answer).collect();
            let _gone = item.done.send(answers);
        }
    }
}

#[tokio::test]
async fn of_large_commands_that_others_send_few_come_ahead_of_being_handled() {
    let (place, settings) = new_place(1).await;
    let mut external = external_producer(&settings, COMMANDS, None).await;
    for _ in 0..200 {
        let sent = external.send_non_blocking(RawMessage {
            payload: vec![7; 256 * 1024],
            ..RawMessage::default()
        });
        sent.await.unwrap().await.unwrap();
    }
    // Nobody takes anything out of it.
    let queue = Queue::of(Service::Tracking);
    let subscription = subscription(&settings, Service::Tracking, COMMANDS);
    let stop = CancellationToken::new();
    let consuming = consumer::consume(subscription, queue.flow(), Health::default(), stop.clone());
    let looking_on = async {
        let (mut sent, mut since) = (0, 0);
        until("no more is sent", || {
            let place = &place;
            async move { place.sent(COMMANDS, 0, "tracking").await.unwrap() > 0 }
        })
        .await;
        while since < 10 {
            let now = place.sent(COMMANDS, 0, "tracking").await.unwrap();
            since = if now == sent { since + 1 } else { 0 };
            sent = now;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stop.cancel();
        sent
    };
    let ((), sent) = tokio::join!(consuming, looking_on);
    // 32 on their way, 32 at the client, and 8 MiB in flight.
    assert!(sent <= 120, "{sent}");
}

#[tokio::test]
async fn draining_ends_when_all_is_handled_and_not_before() {
    let (place, settings) = new_place(1).await;
    let mut external = external_producer(&settings, COMMANDS, None).await;
    for _ in 0..300 {
        let sent = external.send_non_blocking(RawMessage {
            payload: vec![1, 2, 3],
            ..RawMessage::default()
        });
        sent.await.unwrap().await.unwrap();
    }
    let (queue, let_go) = (Queue::of(Service::Bff), CancellationToken::new());
    let handled = answering(queue.clone(), let_go.clone());
    let health = Health::default();
    health.expect(DRAIN, COMMANDS, 0);
    let subscription = subscription(&settings, Service::Tracking, COMMANDS);
    let stop = CancellationToken::new();
    let draining = consumer::drain(
        subscription.clone(),
        queue.flow(),
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
    let again = consumer::drain(subscription, queue.flow(), health, stop);
    tokio::time::timeout(Duration::from_secs(15), again)
        .await
        .unwrap();
}

/// Sends the first messages of campaign's stream but for the second.
async fn send_with_a_hole(settings: &BrokerSettings) {
    let mut by_hand = external_producer(settings, TOPIC, None).await;
    for sequence in [1, 3, 4] {
        send(
            &mut by_hand,
            signed(&trust(), TOPIC, 0, &activated(sequence)),
        )
        .await;
    }
}

fn bffs(settings: &BrokerSettings) -> Subscription {
    subscription(settings, Service::Bff, TOPIC)
}

#[tokio::test]
async fn draining_ends_when_what_is_missing_came_by_another_transport() {
    let (place, settings) = new_place(1).await;
    send_with_a_hole(&settings).await;
    let (queue, health, stop) = (
        Queue::of(Service::Bff),
        Health::default(),
        CancellationToken::new(),
    );
    // By HTTP all of it came.
    let by_http = CancellationToken::new();
    let known = by_http.clone();
    let answer = move |inbound: &Inbound| {
        let (stream, sequence) = inbound.stream.clone().unwrap();
        if sequence == 1 || known.is_cancelled() {
            return Answer::Repeated;
        }
        Answer::Gap {
            stream,
            expected: 2,
        }
    };
    let draining = consumer::drain(bffs(&settings), queue.flow(), health.clone(), stop);
    let watching = async {
        until("the gap is reported", || async {
            !health.stops().is_empty()
        })
        .await;
        by_http.cancel();
    };
    let count = AtomicUsize::new(0);
    let drained = async { tokio::join!(draining, watching) };
    tokio::select! {
        drained = tokio::time::timeout(Duration::from_mins(1), drained) => drained.unwrap(),
        () = answer_all(queue, &count, answer) => unreachable!("it answers on and on"),
    };
    nothing_left(&place).await;
}

#[tokio::test]
async fn draining_opens_anew_where_the_broker_has_messages_and_sends_none() {
    let (place, settings) = new_place(1).await;
    send_with_a_hole(&settings).await;
    // To the one that drains it is the same: another consumer is fed, and acknowledges nothing.
    let client = settings.connect().await.unwrap();
    let elder: Consumer<Vec<u8>, TokioExecutor> = client
        .consumer()
        .with_topic(settings.partition_name(TOPIC, 0))
        .with_subscription("bff")
        .with_subscription_type(SubType::Failover)
        .with_consumer_name("elder")
        .with_options(ConsumerOptions {
            priority_level: Some(0),
            ..ConsumerOptions::default()
        })
        .build()
        .await
        .unwrap();
    let (queue, health, stop) = (
        Queue::of(Service::Bff),
        Health::default(),
        CancellationToken::new(),
    );
    let handled = answering(queue.clone(), {
        let now = CancellationToken::new();
        now.cancel();
        now
    });
    let draining = consumer::drain(bffs(&settings), queue.flow(), health, stop);
    let names = async || {
        let mut names = place.consumers(TOPIC, 0, "bff").await.unwrap();
        names.retain(|name| name != "elder");
        names
    };
    let watching = async {
        until("it is there", || async { !names().await.is_empty() }).await;
        let first = names().await;
        until("it opened anew", || async {
            let now = names().await;
            !now.is_empty() && now != first
        })
        .await;
        drop(elder);
    };
    let drained = async { tokio::join!(draining, watching) };
    tokio::time::timeout(Duration::from_mins(1), drained)
        .await
        .unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 3);
}
