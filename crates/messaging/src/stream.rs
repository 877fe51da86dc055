//! A stream of a source, and where its follower stands in it.

use schemas::{Service, Topic};

/// Which of a source's streams: sequences are contiguous within one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// The emitting service.
    pub source: String,
    /// Raised by a restore of the source's database.
    pub epoch: i64,
    /// The topic.
    pub topic: Topic,
    /// The topic's partition.
    pub partition: i32,
}

/// Everybody who follows what a service publishes, with the topic's partition.
pub fn followers(
    service: Service,
    partitions: u32,
) -> impl Iterator<Item = (Service, (Topic, i32))> {
    let partitions = i32::try_from(partitions).unwrap_or(1);
    let topics = service.published_topics().into_iter();
    topics.flat_map(move |topic| {
        (0..partitions).flat_map(move |partition| {
            let each = topic.followers().into_iter();
            each.map(move |service| (service, (topic, partition)))
        })
    })
}

/// Where a followed stream stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// The last handled message's place in the stream; 0 when nothing of it ever came.
    pub sequence: i64,
    /// When that message was stated, in microseconds; `None` where it could not be read.
    pub time: Option<i64>,
}

/// A hole in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where.
    pub stream: StreamId,
    /// What must come next.
    pub expected: i64,
}
