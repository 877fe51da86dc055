//! Where every road meets: bounded lanes, one for each source, drained so that each has its fair share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::inbound::{Answer, Inbound, Item};

/// The most messages that one lane may hold, waiting or in hand.
pub const LANE_MESSAGES: usize = 8_192;
/// The most encoded bytes that one lane may hold, waiting or in hand; a single larger item is let in alone.
pub const LANE_BYTES: usize = 8 * 1_024 * 1_024;
/// A batch is not filled further once it has this many messages.
pub const BATCH_MESSAGES: usize = 1_000;
/// Nor once it has this many encoded bytes.
pub const BATCH_BYTES: usize = 4 * 1_024 * 1_024;
/// What a source may take in messages before those that took less come first: a full entry of the broker.
const ROUND: u64 = 500;

/// What an item takes of its lane, given back when it is dropped.
struct Room {
    _messages: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

struct Waiting {
    item: Item,
    bytes: usize,
    room: Room,
}

/// One source's items, and how much of it was taken so far.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    /// In messages. Whoever was taken least, by rounds, is next.
    taken: u64,
}

#[derive(Default)]
struct Lanes {
    lanes: Vec<Lane>,
    /// How much was taken of the lane that is furthest of those whose turn it was: where a lane begins that had nothing waiting, so that it
    /// comes next but saves up nothing (start-time fair queueing: Goyal, Vin and Cheng, 1996).
    turn: u64,
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
    messages: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// What a batch took, with the room that it gives back when it is dropped.
pub struct Batch {
    /// Whole items, in the order of each lane.
    pub items: Vec<Item>,
    #[allow(dead_code, reason = "held until the batch is done")]
    room: Vec<Room>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a lane for a source.
    pub fn inlet(&self) -> Inlet {
        let mut lanes = self.lock();
        lanes.lanes.push(Lane::default());
        Inlet {
            queue: self.clone(),
            lane: lanes.lanes.len() - 1,
            messages: Arc::new(Semaphore::new(LANE_MESSAGES)),
            bytes: Arc::new(Semaphore::new(LANE_BYTES)),
        }
    }

    /// Waits until something is there.
    pub async fn ready(&self) {
        loop {
            let notified = self.ready.notified();
            let waits = |lane: &Lane| !lane.waiting.is_empty();
            if self.lock().lanes.iter().any(waits) {
                return;
            }
            notified.await;
        }
    }

    /// Takes whole items, each from the lane that had least so far, until the batch is full or nothing waits. So a
    /// source that asks for less than its share never waits behind another's backlog.
    pub fn fill(&self) -> Batch {
        let mut lanes = self.lock();
        let mut batch = Batch {
            items: Vec::new(),
            room: Vec::new(),
        };
        let (mut messages, mut bytes) = (0, 0);
        while messages < BATCH_MESSAGES && bytes < BATCH_BYTES {
            let Some(next) = lanes.next() else { break };
            messages += next.item.messages.len();
            bytes += next.bytes;
            batch.items.push(next.item);
            batch.room.push(next.room);
        }
        batch
    }
}

impl Lanes {
    fn push(&mut self, lane: usize, waiting: Waiting) {
        let turn = self.turn;
        let lane = &mut self.lanes[lane];
        if lane.waiting.is_empty() {
            lane.taken = lane.taken.max(turn);
        }
        lane.waiting.push_back(waiting);
    }

    fn next(&mut self) -> Option<Waiting> {
        let first = |lane: &Lane| Some(lane.waiting.front()?.item.messages.len());
        let waiting = self.lanes.iter_mut().filter(|l| !l.waiting.is_empty());
        // Within a round the smallest is first: it keeps the others waiting least.
        let lane = waiting.min_by_key(|lane| (lane.taken / ROUND, first(lane)))?;
        let next = lane.waiting.pop_front()?;
        self.turn = self.turn.max(lane.taken);
        lane.taken += u64::from(weight(&next.item.messages));
        Some(next)
    }
}

impl Inlet {
    /// A lane of its own in the same queue, for another source.
    #[must_use]
    pub fn another(&self) -> Self {
        self.queue.inlet()
    }

    fn push(&self, messages: Vec<Inbound>, bytes: usize, room: Room) -> Answers {
        let (done, answers) = oneshot::channel();
        let item = Item { messages, done };
        let waiting = Waiting { item, bytes, room };
        self.queue.lock().push(self.lane, waiting);
        self.queue.ready.notify_one();
        answers
    }

    /// Hands over messages that belong together, or says that there is no room.
    pub fn offer(&self, messages: Vec<Inbound>) -> Result<Answers, Full> {
        let bytes = encoded_bytes(&messages);
        let room = |of: &Arc<Semaphore>, many| Arc::clone(of).try_acquire_many_owned(many);
        let room = Room {
            _messages: room(&self.messages, weight(&messages)).map_err(|_| Full)?,
            _bytes: room(&self.bytes, clamp(bytes, LANE_BYTES)).map_err(|_| Full)?,
        };
        Ok(self.push(messages, bytes, room))
    }

    /// Hands over messages that belong together, waiting for room.
    pub async fn send(&self, messages: Vec<Inbound>) -> Result<Answers, Full> {
        let bytes = encoded_bytes(&messages);
        let room = |of: &Arc<Semaphore>, many| Arc::clone(of).acquire_many_owned(many);
        let many = weight(&messages);
        let room = Room {
            _messages: room(&self.messages, many).await.map_err(|_| Full)?,
            _bytes: room(&self.bytes, clamp(bytes, LANE_BYTES))
                .await
                .map_err(|_| Full)?,
        };
        Ok(self.push(messages, bytes, room))
    }
}

fn weight(messages: &[Inbound]) -> u32 {
    clamp(messages.len(), LANE_MESSAGES)
}

fn clamp(count: usize, most: usize) -> u32 {
    u32::try_from(count.clamp(1, most)).unwrap_or(1)
}

fn encoded_bytes(messages: &[Inbound]) -> usize {
    messages.iter().map(Inbound::encoded_bytes).sum()
}

/// Told after the commit; an error means that the process is stopping and nothing is known.
pub type Answers = oneshot::Receiver<Vec<Answer>>;
