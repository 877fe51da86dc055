//! Entries that name a schema which is not there, or that the client cannot take apart.

use std::process::Stdio;

use devstack::provision::Place;
use devstack::stack::testing::{PYTHON, from_test_run};
use pulsar::producer::Message as RawMessage;
use tokio::process::Command;

use crate::lab::{Follower, Sender, TOPIC, fresh, new_place};
use crate::malformed::{self, Malformed};
use crate::{external_producer, nothing_left};

#[tokio::test]
async fn a_version_of_the_schema_that_is_not_there_or_is_none_holds_nobody_up() {
    let settings = fresh(1).await;
    let follower = Follower::start(&settings, 1).await;
    let mut external = external_producer(&settings, TOPIC, None).await;
    let numbers = [99_u64, 100, u64::MAX].map(|it| it.to_be_bytes().to_vec());
    let none = [0, 1, 7, 9, 1 << 20].map(|bytes| vec![7; bytes]);
    for version in none.into_iter().chain(numbers) {
        let message = RawMessage {
            payload: vec![7; 20],
            schema_version: Some(version),
            ..RawMessage::default()
        };
        let sent = external.send_non_blocking(message).await.unwrap();
        sent.await.unwrap();
    }
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    follower.assert_once_and_in_order(5).await;
    assert_eq!(follower.retry_queue().await, 0);
}

#[tokio::test]
async fn a_compressed_entry_is_taken_out_and_what_follows_it_is_handled() {
    let (place, settings) = new_place(1).await;
    let follower = Follower::start(&settings, 1).await;
    for compression in ["LZ4", "ZSTD", "SNAPPY", "ZLib"] {
        let sent = Command::new(from_test_run(PYTHON))
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/broker/compressed.py"
            ))
            .args([&settings.service_url, &settings.partition_name(TOPIC, 0)])
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../schemas/avro/campaign-events.avsc"
            ))
            .arg(compression)
            .stdin(Stdio::null())
            .status()
            .await
            .unwrap();
        assert!(sent.success(), "{compression}");
    }
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    follower.assert_once_and_in_order(5).await;
    assert_eq!(follower.retry_queue().await, 0);
    nothing_left(&place).await;
}

/// Entries of this kind stand between what a service sends, one alone and two together.
async fn between(kind: Malformed) -> Place {
    let (place, settings) = new_place(1).await;
    let follower = Follower::start(&settings, 1).await;
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    malformed::publish(&settings, &[kind]).await;
    sender.emit(700).await;
    malformed::publish(&settings, &[kind, kind]).await;
    sender.emit(700).await;
    follower.wait_for(1_405).await;
    follower.assert_once_and_in_order(1_405).await;
    place
}

#[tokio::test]
async fn an_entry_without_a_checksum_which_ends_every_connection_is_taken_out() {
    nothing_left(&between(Malformed::WithoutChecksum).await).await;
}

#[tokio::test]
async fn an_entry_whose_metadata_are_none_holds_nobody_up_and_is_not_left() {
    nothing_left(&between(Malformed::UnreadableMetadata).await).await;
}

#[tokio::test]
async fn a_batch_of_fewer_messages_than_none_is_taken_out_and_what_follows_is_handled() {
    nothing_left(&between(Malformed::NegativeBatch).await).await;
}

#[tokio::test]
async fn an_entry_that_is_too_large_apart_is_taken_out_and_takes_no_memory() {
    nothing_left(&between(Malformed::TooLargeApart).await).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 2 << 20, "{peak} KiB at most, with every test here");
}

#[tokio::test]
async fn a_batch_of_no_message_which_the_broker_sends_nobody_holds_nobody_up() {
    between(Malformed::EmptyBatch).await;
}
