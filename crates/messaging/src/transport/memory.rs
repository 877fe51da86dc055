//! The in-process transport, for tests of services without a broker: a follower's receiver, called directly.

use schemas::{Service, Topic};

use crate::relay::{Entry, Shipped, Start, Transport, TransportError};
use crate::transport::http::to_batch;
use crate::transport::receiver::Receiver;

/// The transport to one follower in this process.
pub struct MemoryTransport {
    receiver: Receiver,
    sender: Service,
    topic: Topic,
    partition: i32,
}

impl MemoryTransport {
    /// A transport to a receiver.
    pub fn new(receiver: Receiver, sender: Service, topic: Topic, partition: i32) -> Self {
        Self {
            receiver,
            sender,
            topic,
            partition,
        }
    }
}

impl Transport for MemoryTransport {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn open(&mut self, epoch: i64) -> Result<Start, TransportError> {
        self.receiver
            .watermark(self.sender.name(), epoch, self.topic, self.partition)
            .await
            .map(Start::After)
            .map_err(TransportError::outage)
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, TransportError> {
        let batch = to_batch(entry, Some(entry.schema.text().to_owned()));
        self.receiver
            .take(batch)
            .await
            .map(Shipped::Handled)
            .map_err(TransportError::outage)
    }

    fn close(&mut self) {}
}
