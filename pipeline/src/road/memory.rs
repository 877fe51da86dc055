//! The in-process road, for tests of services without a broker: a follower's receiver, called directly.

use schemas::{Service, Topic};

use crate::relay::{Entry, Road, RoadError, Shipped, Start};
use crate::road::http::to_batch;
use crate::road::inlet::Receiver;

/// The road to one follower in this process.
pub struct MemoryRoad {
    receiver: Receiver,
    sender: Service,
    topic: Topic,
    partition: i32,
}

impl MemoryRoad {
    /// A road to a receiver.
    pub fn new(receiver: Receiver, sender: Service, topic: Topic, partition: i32) -> Self {
        Self {
            receiver,
            sender,
            topic,
            partition,
        }
    }
}

impl Road for MemoryRoad {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn open(&mut self, epoch: i64) -> Result<Start, RoadError> {
        self.receiver
            .watermark(self.sender.name(), epoch, self.topic, self.partition)
            .await
            .map(Start::After)
            .map_err(RoadError::outage)
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, RoadError> {
        let batch = to_batch(entry, Some(entry.schema.text().to_owned()));
        self.receiver
            .take(batch)
            .await
            .map(Shipped::Handled)
            .map_err(RoadError::outage)
    }

    fn close(&mut self) {}
}
