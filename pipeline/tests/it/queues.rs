//! Lanes: bounded, fair, and what belongs together stays together.

use pipeline::{Inbound, Queue};

use crate::bank::take_out;
use crate::lab::{COMMANDS, arrived, command};

fn messages(count: usize) -> Vec<Inbound> {
    (0..count)
        .map(|number| {
            arrived(
                COMMANDS,
                &command("p", &format!("pay{number}"), take_out(1, "paypal")),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_request_does_not_wait_behind_another_sources_backlog() {
    let queue = Queue::default();
    let (backlog, edge) = (queue.inlet(), queue.inlet());
    let _waiting: Vec<_> = (0..8)
        .map(|_| backlog.offer(messages(500)).unwrap())
        .collect();
    let _asked = edge.offer(messages(1)).unwrap();
    let batch = queue.fill();
    let sizes: Vec<usize> = batch.items.iter().map(|item| item.messages.len()).collect();
    assert!(
        sizes[..2].contains(&1),
        "it is in the first batch: {sizes:?}"
    );
}

#[tokio::test]
async fn a_full_lane_refuses_and_leaves_the_others_open() {
    let queue = Queue::default();
    let (full, other) = (queue.inlet(), queue.inlet());
    let mut waiting = Vec::new();
    while let Ok(answers) = full.offer(messages(500)) {
        waiting.push(answers);
        assert!(waiting.len() <= 16, "a lane is bounded");
    }
    assert!(other.offer(messages(1)).is_ok());
    // Room comes back when a batch is done, not when it is taken.
    let batch = queue.fill();
    assert!(full.offer(messages(500)).is_err());
    drop(batch);
    assert!(full.offer(messages(500)).is_ok());
}

#[tokio::test]
async fn an_entry_is_never_cut() {
    let queue = Queue::default();
    let inlet = queue.inlet();
    let _waiting: Vec<_> = [700, 700, 5]
        .map(|size| inlet.offer(messages(size)).unwrap())
        .into();
    for expected in [&[700, 700][..], &[5]] {
        let sizes: Vec<usize> = queue
            .fill()
            .items
            .iter()
            .map(|item| item.messages.len())
            .collect();
        assert_eq!(sizes, expected);
    }
}
