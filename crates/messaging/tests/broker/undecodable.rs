//! Entries that name a schema which is not there, or that the client cannot take apart.

use std::process::Stdio;

use devstack::stack::testing::{PYTHON, from_test_run};
use pulsar::producer::Message as RawMessage;
use tokio::process::Command;

use crate::external_producer;
use crate::lab::{Follower, Sender, TOPIC, fresh};

#[tokio::test]
async fn a_version_of_the_schema_that_is_not_there_holds_nobody_up() {
    let settings = fresh(1).await;
    let follower = Follower::start(&settings, 1).await;
    let mut external = external_producer(&settings, TOPIC, None).await;
    for version in [99_u64, 100, u64::MAX] {
        let message = RawMessage {
            payload: vec![7; 20],
            schema_version: Some(version.to_be_bytes().to_vec()),
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
async fn a_compressed_entry_is_passed_over_and_what_follows_it_is_handled() {
    let settings = fresh(1).await;
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
}
