//! Where every transport meets: bounded flows, one for each source, drained so that each has its fair share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{TryJoinAll, try_join_all};
use schemas::{Service, Topic};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::company::Company;
use crate::inbound::{Answer, Inbound, Item};

/// The most messages that one flow may hold, waiting or in flight.
pub const FLOW_MESSAGES: usize = 8_192;
/// The most encoded bytes that one flow may hold, waiting or in flight; a single larger item is let in alone.
pub const FLOW_BYTES: usize = 8 * 1_024 * 1_024;
/// A batch is not filled further once it has this many messages.
pub const BATCH_MESSAGES: usize = 1_000;
/// Nor once it has this many encoded bytes.
pub const BATCH_BYTES: usize = 4 * 1_024 * 1_024;
/// What a source may take in messages before those that took less come first: a full entry of the broker.
const ROUND: u64 = 500;

// For so long after the last batch began a message begins no other, but waits for company: a transaction for one costs as much as for many.
// What comes when nothing came lately waits for nothing.

/// What others state comes in the batches of those who stated it.
const FACTS_PACE: Duration = Duration::from_millis(4);
/// Whoever sends by a connection waits there for the answer, and for as many others as there were lately; what is retried goes with such.
const REQUESTS_PACE: Duration = Duration::from_millis(10);
/// Whoever sends a command by the broker does something else meanwhile. Where the last batch was one message alone, no company is to be
/// expected, and a service's waits as facts do: it may have it from a person.
const COMMANDS_PACE: Duration = Duration::from_millis(20);
/// Nobody waits for what comes of an external producer's commands: they wait longer, and longer still until so many messages are together.
const PRODUCERS_PACE: Duration = Duration::from_millis(100);
const PRODUCERS_PACE_IN_COMPANY: Duration = Duration::from_millis(25);
const COMPANY: usize = 10;
/// Nobody waits for facts where [`crate::Domain::FACTS_WAIT`],
const WAITING_FACTS_PACE: Duration = Duration::from_millis(250);
/// nor for messages that concern nobody here: all they need is that their stream's watermark moves over them.
const PASSED_BY_PACE: Duration = Duration::from_millis(500);
/// Where so many are together, more are coming: they wait no longer than this for them.
const CROWD: usize = 100;
const CROWD_PACE: Duration = Duration::from_millis(100);

/// Commands of the broker are a backlog once a batch took so many of them, or all that it might.
const BACKLOG: usize = BATCH_MESSAGES / 2;
/// Of a backlog no more are taken at once than this at first, and an entry of commands is cut into items of so many;
const PIECE: usize = 100;
/// this more after each time that nobody was found behind, until they are a full batch; half as many where somebody was (additive increase,
/// multiplicative decrease: Chiu and Jain, 1989).
const MORE: usize = 15;
/// For no longer than this does a piece wait until nobody is behind.
const REST_MAX: Duration = Duration::from_millis(500);

/// What an item takes of its flow, given back when it is dropped.
struct Room {
    _messages: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// How long something begins no batch after the last one began: the shortest of an entry's messages counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Pace {
    alone: Duration,
    /// While so many messages wait.
    in_company: Duration,
    company: usize,
}

impl Pace {
    const fn of(pace: Duration) -> Self {
        Self {
            alone: pace,
            in_company: pace,
            company: 0,
        }
    }

    const fn in_a_crowd(alone: Duration) -> Self {
        Self {
            alone,
            in_company: CROWD_PACE,
            company: CROWD,
        }
    }
}

struct Waiting {
    /// Whether its sender sends more before it is answered.
    pipelined: bool,
    item: Item,
    bytes: usize,
    room: Room,
    /// When its batch is to begin.
    due: Instant,
    /// The same when so many messages wait.
    due_in_company: Instant,
    company: usize,
    /// The same when somebody hurries.
    due_in_a_hurry: Instant,
}

/// One source's items, and how much of it was taken so far.
#[derive(Default)]
struct Flow {
    waiting: VecDeque<Waiting>,
    /// Whether these are commands of the broker, which rest while there is a backlog of them and followers are behind.
    rests: bool,
    /// In messages. Whoever was taken least, by rounds, is next.
    taken: u64,
}

impl Flow {
    /// A few commands in another partition are none.
    fn is_backlog(&self) -> bool {
        // So many items have no fewer messages.
        let first = self.waiting.iter().take(COMPANY);
        self.rests && first.map(|it| it.item.messages.len()).sum::<usize>() >= COMPANY
    }

    fn may_go(&self, resting: bool) -> bool {
        !(resting && self.is_backlog())
    }
}

#[derive(Default)]
struct Flows {
    each: Vec<Flow>,
    /// How much was taken of the flow that is furthest of those whose turn it was: where a flow begins that had nothing waiting, so that it
    /// comes next but saves up nothing (start-time fair queueing: Goyal, Vin and Cheng, 1996).
    turn: u64,
    /// When the last batch was filled.
    filled: Option<Instant>,
    /// Whether that had more than one message.
    had_company: bool,
    /// How many [`Hurry`] there are.
    hurries: usize,
    /// Until when [`FlowSender::hurry_for`] counts as one more.
    hurried_until: Option<Instant>,
    /// Of the flows whose senders wait for an answer before they send more.
    company: Company,
    /// How a backlog goes.
    backlog: Backlog,
    /// Whether nothing is taken any more.
    closed: bool,
}

/// How far those who follow what comes of a backlog of commands were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followers {
    /// One of them is behind: the backlog rests.
    Behind,
    /// None is, and somebody waits for what they make of it: it goes in pieces.
    KeepUp,
    /// Nobody waits for what they make of it, and none is far behind: it goes in full batches.
    MayLag,
}

/// How a backlog of commands goes: in pieces that grow while those who follow what comes of it keep up.
struct Backlog {
    /// So many are taken at once.
    piece: usize,
    /// Whether a piece has gone since the followers were looked at.
    went: bool,
    /// The next one goes then, if no look has found before that nobody is behind.
    rests: Option<Instant>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            piece: PIECE,
            went: false,
            rests: None,
        }
    }
}

impl Backlog {
    /// So many taken by a batch are of a backlog.
    fn is(&self, many: usize) -> bool {
        many >= BACKLOG.min(self.piece)
    }

    fn went(&mut self) {
        self.went = true;
        self.rests = Some(Instant::now() + REST_MAX);
    }

    fn looked(&mut self, followers: Followers) {
        // A piece is judged once.
        let went = std::mem::take(&mut self.went);
        self.piece = match followers {
            Followers::Behind if went => PIECE.max(self.piece / 2),
            Followers::KeepUp if went => BATCH_MESSAGES.min(self.piece + MORE),
            Followers::MayLag => BATCH_MESSAGES,
            Followers::Behind | Followers::KeepUp => self.piece,
        };
        if followers != Followers::Behind {
            self.rests = None;
        }
    }

    /// Until when it rests, if it does: whole batches wait for nobody.
    fn resting(&self) -> Option<Instant> {
        let in_pieces = self.piece < BATCH_MESSAGES;
        self.rests.filter(|it| in_pieces && *it > Instant::now())
    }
}

/// The queue of one service.
#[derive(Clone)]
pub struct Queue {
    service: Service,
    facts_wait: bool,
    flows: Arc<Mutex<Flows>>,
    ready: Arc<Notify>,
    backlog: Arc<Notify>,
}

/// The flow is full: try later.
#[derive(Debug, thiserror::Error)]
#[error("the queue is full")]
pub struct Full;

/// One source's way into the queue.
#[derive(Clone)]
pub struct FlowSender {
    queue: Queue,
    flow: usize,
    pipelined: bool,
    rests: bool,
    messages: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// While it is there, nothing waits as if nobody waited for it.
pub struct Hurry(Queue);

impl Drop for Hurry {
    fn drop(&mut self) {
        self.0.lock().hurries -= 1;
    }
}

/// What a batch took, with the room that it gives back when it is dropped.
pub struct Batch {
    /// Whole items, in the order of each flow.
    pub items: Vec<Item>,
    #[allow(dead_code, reason = "held until the batch is done")]
    room: Vec<Room>,
    #[allow(dead_code, reason = "held until the batch is done")]
    of_backlog: Option<OfBacklog>,
}

/// A batch that took of a backlog: once it is done, the followers are looked at again before more of it goes in pieces.
struct OfBacklog(Queue);

impl Drop for OfBacklog {
    fn drop(&mut self) {
        self.0.lock().backlog.went();
        self.0.backlog.notify_one();
    }
}

impl Queue {
    /// The queue of a service that has no flows yet.
    pub fn of(service: Service) -> Self {
        Self {
            service,
            facts_wait: false,
            flows: Arc::default(),
            ready: Arc::default(),
            backlog: Arc::default(),
        }
    }

    /// The same for one whose facts may wait for company.
    #[must_use]
    pub fn with_facts_waiting(self, facts_wait: bool) -> Self {
        Self { facts_wait, ..self }
    }

    /// How long a message of a pipelined flow waits for company, and how long with it.
    fn pace(&self, inbound: &Inbound) -> Pace {
        let is_fact = !inbound.topic.is_commands();
        if !inbound.concerns(self.service) {
            Pace::in_a_crowd(PASSED_BY_PACE)
        } else if is_fact && self.facts_wait {
            Pace::in_a_crowd(WAITING_FACTS_PACE)
        } else if is_fact {
            Pace::of(FACTS_PACE)
        } else if inbound.stream.is_some() {
            Pace::of(COMMANDS_PACE)
        } else {
            Pace {
                alone: PRODUCERS_PACE,
                in_company: PRODUCERS_PACE_IN_COMPANY,
                company: COMPANY,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Flows> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is taken any more: whoever waits, or comes later, hears so at once.
    pub fn close(&self) {
        let mut flows = self.lock();
        flows.closed = true;
        let waiting: Vec<Waiting> = flows
            .each
            .iter_mut()
            .flat_map(|flow| flow.waiting.drain(..))
            .collect();
        drop(flows);
        drop(waiting);
    }

    /// Opens a flow for a source.
    pub fn flow(&self) -> FlowSender {
        self.open(false, false)
    }

    /// Opens a flow for a subscription of this topic, which goes on sending while it waits for answers: what nobody waits for may wait there.
    pub fn pipelined_flow(&self, topic: Topic) -> FlowSender {
        self.open(true, topic.is_commands())
    }

    fn open(&self, pipelined: bool, rests: bool) -> FlowSender {
        let mut flows = self.lock();
        flows.each.push(Flow {
            rests,
            ..Flow::default()
        });
        FlowSender {
            queue: self.clone(),
            flow: flows.each.len() - 1,
            pipelined,
            rests,
            messages: Arc::new(Semaphore::new(FLOW_MESSAGES)),
            bytes: Arc::new(Semaphore::new(FLOW_BYTES)),
        }
    }

    /// Waits until something is there that somebody waits for, or enough of what nobody does, or for too long.
    pub async fn ready(&self) {
        loop {
            let notified = self.ready.notified();
            match self.due() {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => return,
                    () = notified => {}
                },
                None => notified.await,
            }
        }
    }

    /// When the next batch is to begin, if anything waits for it.
    pub fn due(&self) -> Option<Instant> {
        self.lock().due()
    }

    /// Takes whole items, each from the flow that had least so far, until the batch is full or nothing waits. So a
    /// source that asks for less than its share never waits behind another's backlog.
    pub fn fill(&self) -> Batch {
        let mut flows = self.lock();
        flows.filled = Some(Instant::now());
        let (resting, piece) = (flows.backlog.resting().is_some(), flows.backlog.piece);
        let mut batch = Batch {
            items: Vec::new(),
            room: Vec::new(),
            of_backlog: None,
        };
        let (mut messages, mut bytes, mut callers, mut may_rest) = (0, 0, 0, 0);
        while messages < BATCH_MESSAGES && bytes < BATCH_BYTES {
            let Some((next, rests)) = flows.next(resting || may_rest >= piece) else {
                break;
            };
            let many = next.item.messages.len();
            messages += many;
            bytes += next.bytes;
            callers += usize::from(!next.pipelined);
            may_rest += if rests { many } else { 0 };
            batch.items.push(next.item);
            batch.room.push(next.room);
        }
        flows.had_company = messages > 1;
        if callers > 0 {
            flows.company.had(callers);
        }
        if flows.backlog.is(may_rest) {
            batch.of_backlog = Some(OfBacklog(self.clone()));
        }
        batch
    }

    /// Waits until a batch of a backlog of commands is done; while one rests it does not wait.
    pub async fn backlog(&self) {
        let notified = self.backlog.notified();
        if self.lock().backlog.resting().is_none() {
            notified.await;
        }
    }

    /// How far those who follow what comes of a backlog were found.
    pub fn looked_at_followers(&self, found: Followers) {
        self.lock().backlog.looked(found);
        self.ready.notify_one();
    }
}

impl Flows {
    fn push(&mut self, flow: usize, waiting: Waiting) {
        let turn = self.turn;
        let flow = &mut self.each[flow];
        if flow.waiting.is_empty() {
            flow.taken = flow.taken.max(turn);
        }
        flow.waiting.push_back(waiting);
    }

    /// At once when a batch's worth waits, whatever it is, or everybody who is to be expected of those who wait for an answer.
    fn due(&self) -> Option<Instant> {
        let resting = self.backlog.resting();
        let each = || self.each.iter().filter(|it| it.may_go(resting.is_some()));
        let waiting = || each().flat_map(|flow| &flow.waiting);
        let messages: usize = waiting().map(|it| it.item.messages.len()).sum();
        let callers = waiting().filter(|it| !it.pipelined).count();
        if messages >= BATCH_MESSAGES || (callers > 0 && self.company.is_there(callers)) {
            return Some(Instant::now());
        }
        let is_hurried = self.is_hurried();
        let due = |it: &Waiting| {
            if is_hurried {
                it.due_in_a_hurry
            } else if messages >= it.company {
                it.due_in_company
            } else {
                it.due
            }
        };
        let rested = resting.filter(|_| self.each.iter().any(Flow::is_backlog));
        waiting().map(due).chain(rested).min()
    }

    fn is_hurried(&self) -> bool {
        self.hurries > 0 || self.hurried_until.is_some_and(|it| it > Instant::now())
    }

    /// The next item, and whether it is of a flow that rests at times.
    fn next(&mut self, resting: bool) -> Option<(Waiting, bool)> {
        let first = |flow: &Flow| Some(flow.waiting.front()?.item.messages.len());
        let each = self.each.iter_mut().filter(|it| it.may_go(resting));
        let waiting = each.filter(|it| !it.waiting.is_empty());
        // Within a round the smallest is first: it keeps the others waiting least.
        let flow = waiting.min_by_key(|flow| (flow.taken / ROUND, first(flow)))?;
        let next = flow.waiting.pop_front()?;
        self.turn = self.turn.max(flow.taken);
        flow.taken += u64::from(weight(&next.item.messages));
        let rests = flow.rests;
        // One that rests saves no turns up, to be given all of them afterwards.
        let resting = self.each.iter_mut().filter(|it| !it.may_go(resting));
        resting.for_each(|it| it.taken = it.taken.max(self.turn));
        Some((next, rests))
    }
}

impl FlowSender {
    /// A flow of its own in the same queue, for another source.
    #[must_use]
    pub fn another(&self) -> Self {
        self.queue.flow()
    }

    /// Whoever waits for what comes of facts here holds this meanwhile.
    pub fn hurry(&self) -> Hurry {
        self.queue.lock().hurries += 1;
        self.queue.ready.notify_one();
        Hurry(self.queue.clone())
    }

    /// The same for so long, for who looks again and again.
    pub fn hurry_for(&self, long: Duration) {
        self.queue.lock().hurried_until = Some(Instant::now() + long);
        self.queue.ready.notify_one();
    }

    /// Whether something waits here, and nothing but what nobody waits for.
    pub fn waits_for_company(&self) -> bool {
        let flows = self.queue.lock();
        let mut waiting = flows.each.iter().flat_map(|flow| &flow.waiting).peekable();
        !flows.is_hurried() && waiting.peek().is_some() && waiting.all(|it| it.company == CROWD)
    }

    /// Whether anybody does.
    pub fn is_waited_for(&self) -> bool {
        self.queue.lock().is_hurried()
    }

    fn push(&self, messages: Vec<Inbound>, bytes: usize, room: Room) -> Answers {
        let (done, answers) = oneshot::channel();
        let pace = if self.pipelined {
            let each = messages.iter().map(|it| self.queue.pace(it));
            each.min().unwrap_or_default()
        } else {
            Pace::of(REQUESTS_PACE)
        };
        let mut flows = self.queue.lock();
        let pace = if pace.alone == COMMANDS_PACE && !flows.had_company {
            Pace::of(FACTS_PACE)
        } else {
            pace
        };
        let (now, filled) = (Instant::now(), flows.filled);
        let after = |pace| filled.map_or(now, |filled| now.max(filled + pace));
        let waiting = Waiting {
            pipelined: self.pipelined,
            item: Item { messages, done },
            bytes,
            room,
            due: after(pace.alone),
            due_in_company: after(pace.in_company),
            company: pace.company,
            due_in_a_hurry: after(pace.alone.min(FACTS_PACE)),
        };
        if flows.closed {
            return answers;
        }
        flows.push(self.flow, waiting);
        drop(flows);
        self.queue.ready.notify_one();
        answers
    }

    /// Hands over messages that belong together, or says that there is no room, as there is none once the process stops.
    pub fn offer(&self, messages: Vec<Inbound>) -> Result<Answers, Full> {
        if self.queue.lock().closed {
            return Err(Full);
        }
        let bytes = encoded_bytes(&messages);
        let room = |of: &Arc<Semaphore>, many| Arc::clone(of).try_acquire_many_owned(many);
        let room = Room {
            _messages: room(&self.messages, weight(&messages)).map_err(|_| Full)?,
            _bytes: room(&self.bytes, clamp(bytes, FLOW_BYTES)).map_err(|_| Full)?,
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
            _bytes: room(&self.bytes, clamp(bytes, FLOW_BYTES))
                .await
                .map_err(|_| Full)?,
        };
        Ok(self.push(messages, bytes, room))
    }

    /// Hands over an entry of the broker, as [`Self::send`] does: commands in pieces, of which each may be in a batch of its own.
    pub async fn send_entry(&self, mut messages: Vec<Inbound>) -> Result<AnswersOfEntry, Full> {
        let together = if self.rests { PIECE } else { usize::MAX };
        let mut pieces = Vec::new();
        while messages.len() > together {
            let rest = messages.split_off(together);
            pieces.push(self.send(messages).await?);
            messages = rest;
        }
        pieces.push(self.send(messages).await?);
        Ok(try_join_all(pieces))
    }
}

fn weight(messages: &[Inbound]) -> u32 {
    clamp(messages.len(), FLOW_MESSAGES)
}

fn clamp(count: usize, most: usize) -> u32 {
    u32::try_from(count.clamp(1, most)).unwrap_or(1)
}

fn encoded_bytes(messages: &[Inbound]) -> usize {
    messages.iter().map(Inbound::encoded_bytes).sum()
}

/// Notified after the commit; an error means that the process is stopping and nothing is known.
pub type Answers = oneshot::Receiver<Vec<Answer>>;

/// The same of each piece of an entry.
pub type AnswersOfEntry = TryJoinAll<Answers>;
