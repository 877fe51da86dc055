//! Where every road meets: bounded lanes, one for each source, filled into batches in turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::inbound::{Answer, Inbound, Item};

/// The most messages that one lane may hold, waiting or in hand.
pub const LANE_CAPACITY: usize = 8_192;
/// A batch is not filled further once it has this many messages.
pub const BATCH_MESSAGES: usize = 1_000;

struct Waiting {
    item: Item,
    permit: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Lanes {
    lanes: Vec<VecDeque<Waiting>>,
    next: usize,
}

/// The queue of one service.
#[derive(Clone, Default)]
pub struct Queue {
    lanes: Arc<Mutex<Lanes>>,
    ready: Arc<Notify>,
}

/// The lane is full: try later.
#[derive(Debug, thiserror::Error)]
#[error("the queue is full")]
pub struct Full;

/// One source's way into the queue.
#[derive(Clone)]
pub struct Inlet {
    queue: Queue,
    lane: usize,
    room: Arc<Semaphore>,
}

/// What a batch took, with the room that it gives back when it is dropped.
pub struct Batch {
    /// Whole items, in the order of each lane.
    pub items: Vec<Item>,
    #[allow(dead_code, reason = "held until the batch is done")]
    room: Vec<OwnedSemaphorePermit>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a lane for a source.
    pub fn inlet(&self) -> Inlet {
        let mut lanes = self.lock();
        lanes.lanes.push(VecDeque::new());
        Inlet {
            queue: self.clone(),
            lane: lanes.lanes.len() - 1,
            room: Arc::new(Semaphore::new(LANE_CAPACITY)),
        }
    }

    /// Waits until something is there.
    pub async fn ready(&self) {
        loop {
            let notified = self.ready.notified();
            if self.lock().lanes.iter().any(|lane| !lane.is_empty()) {
                return;
            }
            notified.await;
        }
    }

    /// Takes whole items, one from each lane in turn, until the batch is full or nothing waits.
    pub fn fill(&self) -> Batch {
        let mut lanes = self.lock();
        let count = lanes.lanes.len();
        let mut batch = Batch {
            items: Vec::new(),
            room: Vec::new(),
        };
        let (mut messages, mut empty_in_a_row) = (0, 0);
        while messages < BATCH_MESSAGES && empty_in_a_row < count {
            let lane = lanes.next % count;
            lanes.next = lane + 1;
            let Some(waiting) = lanes.lanes[lane].pop_front() else {
                empty_in_a_row += 1;
                continue;
            };
            empty_in_a_row = 0;
            messages += waiting.item.messages.len();
            batch.items.push(waiting.item);
            batch.room.push(waiting.permit);
        }
        batch
    }
}

impl Inlet {
    fn push(&self, messages: Vec<Inbound>, permit: OwnedSemaphorePermit) -> Answers {
        let (done, answers) = oneshot::channel();
        let item = Item { messages, done };
        self.queue.lock().lanes[self.lane].push_back(Waiting { item, permit });
        self.queue.ready.notify_one();
        answers
    }

    fn weight(messages: &[Inbound]) -> u32 {
        u32::try_from(messages.len().clamp(1, LANE_CAPACITY)).unwrap_or(1)
    }

    /// Hands over messages that belong together, or says that there is no room.
    pub fn offer(&self, messages: Vec<Inbound>) -> Result<Answers, Full> {
        let weight = Self::weight(&messages);
        let room = Arc::clone(&self.room);
        let permit = room.try_acquire_many_owned(weight).map_err(|_| Full)?;
        Ok(self.push(messages, permit))
    }

    /// Hands over messages that belong together, waiting for room.
    pub async fn send(&self, messages: Vec<Inbound>) -> Result<Answers, Full> {
        let weight = Self::weight(&messages);
        let room = Arc::clone(&self.room);
        let permit = room.acquire_many_owned(weight).await.map_err(|_| Full)?;
        Ok(self.push(messages, permit))
    }
}

/// Told after the commit; an error means that the process is stopping and nothing is known.
pub type Answers = oneshot::Receiver<Vec<Answer>>;
