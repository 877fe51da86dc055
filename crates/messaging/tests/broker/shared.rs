//! One connection for what a process consumes.

use messaging::transport::pulsar::SharedClient;

use crate::TOPIC;
use crate::lab::{Follower, Sender, new_place};

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
}
