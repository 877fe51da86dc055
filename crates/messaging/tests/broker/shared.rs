//! One connection for what a process consumes.

use std::time::Duration;

use messaging::transport::consumer::{self, Subscription};
use messaging::transport::pulsar::{BrokerSettings, SharedClient};
use messaging::{Health, Queue};
use runtime::testing::until;
use schemas::Service;
use tokio_util::sync::CancellationToken;

use crate::TOPIC;
use crate::lab::{Follower, Sender, new_place, subscription};

#[tokio::test]
async fn all_partitions_that_a_process_follows_come_over_one_connection() {
    let (place, settings) = new_place(4).await;
    let sender = Sender::start(&settings, 4).await;
    sender.emit(20).await;
    let follower = Follower::start(&settings, 4).await;
    follower.wait_for(20).await;
    let mut connections = Vec::new();
    for partition in 0..4 {
        connections.extend(place.connections(TOPIC, partition, "bff").await.unwrap());
    }
    assert_eq!(connections.len(), 4, "{connections:?}");
    connections.dedup();
    assert_eq!(connections.len(), 1, "{connections:?}");
}

#[tokio::test]
async fn a_client_is_shared_until_it_fails_for_somebody_who_then_gets_another_one() {
    let (_place, settings) = new_place(1).await;
    let shared = SharedClient::new(settings);
    let number = async |failed| shared.connect(failed).await.unwrap().number;
    assert_eq!((number(None).await, number(None).await), (1, 1));
    assert_eq!(number(Some(1)).await, 2, "it failed");
    assert_eq!(number(Some(1)).await, 2, "it failed for another one too");
    assert_eq!(number(None).await, 2);
    shared.connect(None).await.unwrap().given_up.cancel();
    assert_eq!(number(None).await, 3, "nobody is given that one any more");
}

/// Consumes a partition with this client; nothing is taken out of the queue.
fn consume(
    client: &SharedClient,
    settings: &BrokerSettings,
    partition: i32,
) -> impl Future<Output = ()> + use<> {
    let subscription = Subscription {
        client: client.clone(),
        partition,
        ..subscription(settings, Service::Bff, TOPIC)
    };
    let flow = Queue::of(Service::Bff).flow();
    consumer::consume(
        subscription,
        flow,
        Health::default(),
        CancellationToken::new(),
    )
}

#[tokio::test]
async fn all_who_share_a_client_that_is_given_up_leave_it() {
    let (place, settings) = new_place(2).await;
    let client = SharedClient::new(settings.clone());
    let consume = |partition| consume(&client, &settings, partition);
    let connections = async || {
        let of = |partition| place.connections(TOPIC, partition, "bff");
        [of(0).await.unwrap(), of(1).await.unwrap()]
    };
    let looking_on = async {
        let each = |found: &[Vec<String>; 2]| found.iter().all(|it| it.len() == 1);
        until("both are there", || async { each(&connections().await) }).await;
        let [before, _] = connections().await;
        client.connect(None).await.unwrap().given_up.cancel();
        until("both are on another connection", || async {
            let now = connections().await;
            each(&now) && !now.contains(&before)
        })
        .await;
    };
    tokio::select! {
        _ = futures::future::join(consume(0), consume(1)) => {}
        () = looking_on => {}
    }
}

#[tokio::test]
async fn a_consumer_that_is_given_up_while_it_opens_is_closed_and_leaves_the_client_as_it_was() {
    let (place, settings) = new_place(1).await;
    let client = SharedClient::new(settings.clone());
    let consume = || consume(&client, &settings, 0);
    for moment in (0..150).map(|it| Duration::from_micros(it * 400)) {
        let _given_up = tokio::time::timeout(moment, consume()).await;
    }
    let consumers = |many: usize| {
        let place = &place;
        until("so many are there", move || async move {
            place.consumers(TOPIC, 0, "bff").await.unwrap().len() == many
        })
    };
    consumers(0).await;
    tokio::select! {
        () = consume() => {}
        () = consumers(1) => {}
    }
    assert_eq!(client.connect(None).await.unwrap().number, 1);
}
