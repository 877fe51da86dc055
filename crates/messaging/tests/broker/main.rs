//! The Pulsar transport against a real broker and a real Postgres.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(clippy::large_futures, reason = "the client's")]

#[path = "../it/bank.rs"]
#[allow(dead_code, reason = "of the bank, the messages that this needs")]
mod bank;
mod draining;
mod forged;
mod gaps;
mod grants;
mod handovers;
mod lab;
mod malformed;
mod older;
mod shared;
mod tls;
mod unanswered;
mod undecodable;

use devstack::provision::Place;
use devstack::stack::{self, Pulsar, PulsarPorts};
use lab::{Follower, Sender, TOPIC, broker, fresh, new_place, place, settings, trust};
use messaging::transport::pulsar::BrokerSettings;
use pulsar::{Producer, ProducerOptions, TokioExecutor, producer::Message as RawMessage};
use runtime::testing::message;
use schemas::{CampaignActivatedV1, Topic, WriterSchema};

#[tokio::test]
async fn a_topic_without_its_subscriptions_is_not_published_to() {
    let (service_url, admin_url) = broker();
    let place = place(&admin_url, 1);
    let settings = settings(&service_url, &place);
    let sender = Sender::start(&settings, 1).await;
    sender.emit(3).await;
    runtime::testing::until("the relay is refused", || async {
        sender
            .health
            .never_opened()
            .iter()
            .any(|(_, error)| error != "is being opened")
    })
    .await;
    place.provision().await.unwrap();
    let follower = Follower::start(&settings, 1).await;
    follower.wait_for(3).await;
    follower.assert_once_and_in_order(3).await;
}

#[tokio::test]
async fn messages_arrive_once_and_in_order_over_one_partition_and_over_four() {
    for partitions in [1, 4] {
        let settings = fresh(partitions).await;
        let sender = Sender::start(&settings, partitions).await;
        let follower = Follower::start(&settings, partitions).await;
        for _ in 0..4 {
            sender.emit(700).await;
        }
        follower.wait_for(2_800).await;
        follower.assert_once_and_in_order(2_800).await;
        sender.stop();
    }
}

#[tokio::test]
async fn a_relay_that_sends_everything_again_changes_nothing() {
    let settings = fresh(1).await;
    let sender = Sender::start(&settings, 1).await;
    let follower = Follower::start(&settings, 1).await;
    sender.emit(600).await;
    follower.wait_for(600).await;
    sender.stop();
    let again = sender.again(&settings, 1).await;
    again.emit(10).await;
    follower.wait_for(610).await;
    follower.assert_once_and_in_order(610).await;
}

#[tokio::test]
async fn a_follower_that_was_restored_stands_still_until_what_it_lost_is_sent_again() {
    let (place, settings) = new_place(1).await;
    healed(&place, &settings).await;
}

#[tokio::test]
async fn the_process_after_a_restored_one_has_nothing_to_pass() {
    let (place, settings) = new_place(1).await;
    let (sender, restored) = healed(&place, &settings).await;
    restored.kill();
    let next = restored.restart(&settings, 1).await;
    sender.emit(10).await;
    next.wait_for(720).await;
    next.assert_once_and_in_order(720).await;
}

/// Waits until the broker has the acknowledgement of everything.
pub async fn nothing_left(place: &Place) {
    runtime::testing::until("the broker has every acknowledgement", || async {
        place.backlogs(TOPIC).await.unwrap()["bff"] == 0
    })
    .await;
}

async fn healed(place: &Place, settings: &BrokerSettings) -> (Sender, Follower) {
    let sender = Sender::start(settings, 1).await;
    let lost = Follower::start(settings, 1).await;
    sender.emit(600).await;
    lost.wait_for(600).await;
    // What it had acknowledged and the broker had not heard would come again, to the next one.
    nothing_left(place).await;
    lost.kill();
    // Another database, while the broker's cursor stands behind what the first one had.
    let restored = Follower::start(settings, 1).await;
    sender.emit(50).await;
    runtime::testing::until("the gap is reported", || async {
        let reasons = restored.health.stops();
        reasons
            .iter()
            .any(|(_, why)| why.contains("message 1 of campaign-events is missing"))
    })
    .await;
    sender.emit(50).await;
    assert_eq!(restored.count().await, 0, "nothing behind a gap is handled");
    sender.rewind().await;
    restored.wait_for(700).await;
    restored.assert_once_and_in_order(700).await;
    sender.emit(10).await;
    restored.wait_for(710).await;
    assert_eq!(restored.health.stops(), Vec::new());
    (sender, restored)
}

#[tokio::test]
async fn a_process_that_dies_with_entries_in_flight_loses_nothing_and_repeats_nothing() {
    let settings = fresh(1).await;
    let sender = Sender::start(&settings, 1).await;
    let mut follower = Follower::start(&settings, 1).await;
    for round in 1..=4 {
        sender.emit(900).await;
        follower.wait_for(round * 900 - 400).await;
        follower.kill();
        follower = follower.restart(&settings, 1).await;
    }
    follower.wait_for(3_600).await;
    follower.assert_once_and_in_order(3_600).await;
}

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_reorders_and_loses_nothing() {
    let folder = stack::testing::scratch("killed-broker");
    let mut broker = Pulsar::start(&folder, PulsarPorts::free()).await.unwrap();
    let place = place(&broker.admin_url(), 1);
    place.provision().await.unwrap();
    let settings = settings(&broker.service_url(), &place);
    let sender = Sender::start(&settings, 1).await;
    let follower = Follower::start(&settings, 1).await;
    sender.emit(500).await;
    follower.wait_for(1).await;
    broker.kill();
    for _ in 0..5 {
        sender.emit(500).await;
    }
    broker.restart().await.unwrap();
    sender.emit(500).await;
    follower.wait_for(3_500).await;
    follower.assert_once_and_in_order(3_500).await;
}

#[tokio::test]
async fn a_batch_larger_than_the_receiver_queue_does_not_stop_a_consumer_that_has_to_ask_for_its_schema()
 {
    let settings = fresh(1).await;
    let mut external = external_producer(&settings, TOPIC, Some(1_000)).await;
    // Stock Java clients put up to a thousand messages into one batch.
    for batch in 0..4 {
        let mut receipts = Vec::new();
        for number in 0..1_000 {
            let sequence = batch * 1_000 + number + 1;
            let activated = CampaignActivatedV1 {
                brand_id: "brand1".parse().unwrap(),
                allowed_hosts: vec!["example.com".to_owned()],
                fallback_url: None,
                starts_at: None,
                trusts_redirects: None,
                ends_at: None,
            };
            let key = format!("camp{}", number % 7);
            let fact = message(TOPIC, &key, &key, activated.into(), Some(sequence));
            let message = forged::signed(&trust(), TOPIC, 0, &fact);
            receipts.push(external.send_non_blocking(message).await.unwrap());
        }
        external.send_batch().await.unwrap();
        futures::future::try_join_all(receipts).await.unwrap();
    }
    let follower = Follower::start(&settings, 1).await;
    follower.wait_for(4_000).await;
    follower.assert_once_and_in_order(4_000).await;
}

#[tokio::test]
async fn external_bytes_are_counted_and_kept_nowhere_and_what_follows_them_is_handled() {
    let settings = fresh(1).await;
    let follower = Follower::start(&settings, 1).await;
    let mut external = external_producer(&settings, TOPIC, None).await;
    for payload in [vec![], vec![0xff; 300], b"\xfe\xff\xff\xff\x0f".to_vec()] {
        let message = RawMessage {
            payload,
            ..RawMessage::default()
        };
        external
            .send_non_blocking(message)
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    assert_eq!(follower.retry_queue().await, 0);
}

/// A producer of somebody else's, who knows the schema.
async fn external_producer(
    settings: &BrokerSettings,
    topic: Topic,
    batch_size: Option<u32>,
) -> Producer<TokioExecutor> {
    let schema = WriterSchema::current(topic).text().to_owned();
    producer_by(settings, topic, schema, batch_size).await
}

/// The same, who knows another schema of the topic's.
async fn producer_by(
    settings: &BrokerSettings,
    topic: Topic,
    schema: String,
    batch_size: Option<u32>,
) -> Producer<TokioExecutor> {
    let client = settings.connect().await.unwrap();
    let schema = pulsar::proto::Schema {
        name: topic.name().to_owned(),
        schema_data: schema.into_bytes(),
        r#type: 4,
        properties: Vec::new(),
    };
    client
        .producer()
        .with_topic(settings.partition_name(topic, 0))
        .with_options(ProducerOptions {
            schema: Some(schema),
            batch_size,
            block_queue_if_full: true,
            ..ProducerOptions::default()
        })
        .build()
        .await
        .unwrap()
}
