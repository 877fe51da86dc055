//! Consuming a topic partition: whole entries in, acknowledged after their commit.

#![allow(
    clippy::large_futures,
    reason = "the client's; one of them lives as long as the service"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use pulsar::consumer::{InitialPosition, Message};
use pulsar::error::{ConnectionError, ConsumerError};
use pulsar::proto::{CommandConsumerStatsResponse, MessageIdData, Schema};
use pulsar::{Consumer, ConsumerOptions, Pulsar, SubType, TokioExecutor};
use schemas::{Service, Topic, WriterSchema};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::ids;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::gap::Suspects;
use crate::health::{Claim, Health, Shut};
use crate::inbound::{Answer, Hint, Inbound, Wire};
use crate::queue::FlowSender;
use crate::stream::{Gap, StreamId};
use crate::transport::pulsar::{ConnectError, Share, SharedClient, to_its_end};
use crate::transport::refusal;
use crate::transport::seniority;
use crate::transport::silence::{Look, Place};
use crate::transport::undecodable;
use crate::transport::unknown_schemas::{NewestSchema, UnknownSchemas};
use crate::trust::{self, Sender, Trust, Vouching};

/// Messages of services' own events that the broker may send ahead.
const EVENTS_AHEAD: u32 = 600;
/// Commands that it may, and as many again wait at the client: others send some, in entries of up to 2 MiB. Of
/// entries with many commands one at a time comes all the same.
const COMMANDS_AHEAD: u32 = 32;
/// Messages that may be in the queue without an acknowledgement.
const IN_FLIGHT_MESSAGES: usize = 1_200;
/// With nothing heard for so long, the broker is asked whether there is something to hear; after each reopening that
/// was for nothing twice as long, up to the second.
const WATCHDOG: Duration = Duration::from_secs(2);
const WATCHDOG_MAX: Duration = Duration::from_mins(1);
/// With nothing heard for so long, a consumer that is there to empty its subscription asks whether it is empty. What
/// silence means it judges as slowly as others.
const QUIET: Duration = Duration::from_millis(200);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// How long a suspected gap is left alone before the subscription is opened anew: longer, whatever the spread, than the
/// second for which a broker may wait before it rewinds for a new consumer.
const SUSPECTED_FOR: Duration = Duration::from_secs(2);
/// With nothing heard for so long at a gap that stands, the subscription is opened anew; each time twice as long.
const AT_GAP_FIRST: Duration = Duration::from_secs(2);
const AT_GAP_MAX: Duration = Duration::from_mins(1);
/// With nothing committed for so long of what it handed over, a consumer lets go: its process may be cut off from a database
/// that another one reaches, and the oldest is fed as long as it is there.
const STUCK: Duration = Duration::from_secs(15);
/// A connection that breaks so soon after a subscription was opened may have been broken by what is read there.
const SOON: Duration = Duration::from_secs(10);
/// How long after the broker said that it has no such schema it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// An acknowledgement waits so long for others, or until there are so many: each that is sent alone wakes the broker for itself. What of them is
/// lost with the process comes again, and is known.
const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(500);
const ACKNOWLEDGE_TOGETHER: usize = 256;
/// After so many refusals in a row a client is left: it keeps something of each consumer that it did not get.
const MAX_REFUSED: u32 = 100;
/// A broker's versions are numbers of 64 bits.
const SCHEMA_VERSION_BYTES: usize = size_of::<u64>();

/// One topic partition that a service follows.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The client, shared with other subscriptions whose messages are of those whom this one trusts as well.
    pub client: SharedClient,
    /// Whose signatures count.
    pub trust: Trust,
    /// Who follows; the subscription has its name.
    pub follower: Service,
    /// What is followed.
    pub topic: Topic,
    /// Whether its facts are decoded when somebody wants them, and not when they come.
    pub decodes_later: bool,
    /// Which partition.
    pub partition: i32,
}

#[derive(Debug, thiserror::Error)]
enum ConsumeError {
    #[error(transparent)]
    Pulsar(#[from] pulsar::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the stream ended")]
    Ended,
    #[error("the broker has messages but sends none")]
    Silent,
    #[error("the broker does not answer in time")]
    TimedOut,
    #[error("message {expected} of {source_name} is missing: the broker is asked again")]
    Suspected { source_name: String, expected: i64 },
    #[error("nothing comes at a gap or a halted stream: the broker is asked again")]
    AtGap,
    #[error("a halted stream goes on: what was read over comes again")]
    GoesOn,
    #[error("a gap is closed: what was read over comes again")]
    GapClosed,
    #[error("nothing is committed here: another process may take it")]
    Stuck,
    #[error(
        "the connection is given up: the broker may have a consumer on it that nobody has here"
    )]
    GivenUp,
    #[error("the service stops")]
    Stopping,
}

impl ConsumeError {
    /// Only a suspicion, or mended: nothing is the matter that `/ready` speaks of here. A gap that stands is no such case.
    fn is_quiet(&self) -> bool {
        matches!(
            self,
            Self::Silent
                | Self::Suspected { .. }
                | Self::AtGap
                | Self::GoesOn
                | Self::GapClosed
                | Self::Stuck
                | Self::GivenUp
        )
    }

    /// Whether an answer of the broker's did not come, and may have come later.
    fn is_unanswered(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Pulsar(error) => refusal::is_unanswered(error),
            _ => false,
        }
    }

    /// It ended for what was read. Others may get on with the connection, and so may the next session.
    fn is_connection_well(&self) -> bool {
        match self {
            Self::Suspected { .. } | Self::AtGap | Self::GoesOn | Self::GapClosed | Self::Stuck => {
                true
            }
            Self::Pulsar(error) => refusal::says_not_now(error),
            _ => false,
        }
    }

    /// What is to be emptied first is not empty, whoever is away.
    fn shut(&self, until: Until) -> Shut {
        let is_outage = match self {
            Self::Pulsar(error) => refusal::is_outage(error),
            Self::Connect(error) => error.is_outage(),
            Self::Ended
            | Self::Silent
            | Self::TimedOut
            | Self::Suspected { .. }
            | Self::AtGap
            | Self::GoesOn
            | Self::GapClosed
            | Self::Stuck
            | Self::GivenUp
            | Self::Stopping => true,
        };
        if is_outage && until == Until::Stopped {
            Shut::Outage(self.to_string())
        } else {
            Shut::NotReady(self.to_string())
        }
    }
}

/// Consumes until stopped, whatever the broker does meanwhile.
pub async fn consume(
    subscription: Subscription,
    flow: FlowSender,
    health: Health,
    stop: CancellationToken,
) {
    follow(Until::Stopped, subscription, flow, health, stop).await;
}

/// Consumes until the broker says that nothing of the subscription is unacknowledged, or until it is stopped.
pub async fn drain(
    subscription: Subscription,
    flow: FlowSender,
    health: Health,
    stop: CancellationToken,
) {
    follow(Until::Empty, subscription, flow, health, stop).await;
}

/// How long to consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Stopped,
    Empty,
}

impl Until {
    /// What `/ready` calls it.
    fn transport(self) -> &'static str {
        match self {
            Self::Stopped => "subscription",
            Self::Empty => DRAIN,
        }
    }

    /// With nothing heard for so long, the broker is asked.
    fn asks_after(self, patience: Duration) -> Duration {
        match self {
            Self::Stopped => patience,
            Self::Empty => patience.min(QUIET),
        }
    }
}

/// What `/ready` calls the emptying of a subscription that is not consumed afterwards.
pub const DRAIN: &str = "drain";

async fn follow(
    until: Until,
    subscription: Subscription,
    flow: FlowSender,
    health: Health,
    stop: CancellationToken,
) {
    let topic = subscription.topic.name();
    // There from the start, so that the first one is seen as a change.
    metrics::counter!("tributary_stream_gaps_total", "topic" => topic).increment(0);
    metrics::gauge!("tributary_open_stream_gaps", "topic" => topic).set(0.0);
    metrics::counter!("tributary_consumer_restarts_total", "topic" => topic).increment(0);
    metrics::counter!("tributary_undecodable_entries_total", "topic" => topic).increment(0);
    trust::count_from_zero(subscription.topic);
    if until == Until::Stopped {
        health
            .claims
            .follow(subscription.topic, subscription.partition);
    }
    let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MAX);
    let mut suspected = Backoff::new(SUSPECTED_FOR, SUSPECTED_FOR);
    let mut memory = Memory::default();
    loop {
        let (ended, got) =
            Session::run(until, &subscription, &flow, &health, &mut memory, &stop).await;
        let Err(error) = ended else { return };
        if stop.is_cancelled() {
            return;
        }
        if got.heard {
            memory.watchdog = WATCHDOG;
        }
        if got.on {
            backoff.reset();
        }
        // The broker may open it yet, as the senior one of the subscription that nobody here has: nothing would be sent to those who come after
        // it, for as long as its connection. All leave that, once; and who is slow to be opened goes on alone, and disturbs nobody further.
        let left_one = matches!(got.opening, Opening::Requested) && error.is_unanswered();
        if left_one {
            tokio::select! {
                () = stop.cancelled() => return,
                () = memory.share.give_up(&subscription.client) => {}
            }
        } else if !error.is_connection_well() || memory.was_refused(&error) {
            memory.share.fail();
        }
        memory.alone = left_one || memory.alone && !matches!(got.opening, Opening::Opened(_));
        if matches!(error, ConsumeError::Silent) {
            memory.watchdog = (memory.watchdog * 2).min(WATCHDOG_MAX);
        }
        if !error.is_quiet() {
            let (topic, partition) = (subscription.topic, subscription.partition);
            health.failed(until.transport(), topic, partition, error.shut(until));
        }
        if got.may_be_an_entrys(&error) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = undecodable::take_out(&subscription, &mut memory.share) => {}
            }
        }
        let wait = match error {
            ConsumeError::Suspected { .. } => suspected.wait(),
            _ => backoff.wait(),
        };
        metrics::counter!("tributary_consumer_restarts_total", "topic" => subscription.topic.name()).increment(1);
        tracing::warn!(topic = subscription.topic.name(), partition = subscription.partition, %error,
            retry_in = ?wait, "consuming starts again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What one session leaves to the next.
#[derive(Debug)]
struct Memory {
    /// Gaps that were met.
    suspects: Suspects,
    /// How long nothing is heard at a gap that stands.
    at_gap: Backoff,
    /// How long silence is borne.
    watchdog: Duration,
    /// The client that was used last.
    share: Share,
    /// Whether it shares none until it is opened.
    alone: bool,
    /// How often in a row the broker said that it cannot open it now.
    refused: u32,
}

impl Memory {
    /// Whether the broker has refused it so often in a row that the client is to be left.
    fn was_refused(&mut self, error: &ConsumeError) -> bool {
        let is_refusal =
            matches!(error, ConsumeError::Pulsar(error) if refusal::says_not_now(error));
        self.refused = if is_refusal { self.refused + 1 } else { 0 };
        let is_many = self.refused >= MAX_REFUSED;
        if is_many {
            self.refused = 0;
        }
        is_many
    }

    async fn connect(
        &mut self,
        shared: &SharedClient,
    ) -> Result<Pulsar<TokioExecutor>, ConnectError> {
        if self.alone {
            self.share.connect_alone(shared).await
        } else {
            self.share.connect(shared).await
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            suspects: Suspects::default(),
            at_gap: Backoff::new(AT_GAP_FIRST, AT_GAP_MAX),
            watchdog: WATCHDOG,
            share: Share::default(),
            alone: false,
            refused: 0,
        }
    }
}

struct Session<'a> {
    until: Until,
    subscription: &'a Subscription,
    client: Pulsar<TokioExecutor>,
    consumer: Consumer<Vec<u8>, TokioExecutor>,
    name: String,
    schemas: HashMap<Vec<u8>, Arc<WriterSchema>>,
    unknown_schemas: UnknownSchemas,
    newest_schema: NewestSchema,
    last_heard: Option<MessageIdData>,
    acknowledged: bool,
    passed_over: bool,
    health: Health,
    memory: &'a mut Memory,
    /// Gaps that stand and what lies behind them is read over: what is missing may come again at the topic's end.
    at_gaps: Vec<Gap>,
    /// A stream of its waits for an operator, and what lies behind that is read over too: the token is cancelled when it goes on.
    halted: Option<CancellationToken>,
    /// How long silence is borne.
    patience: Duration,
    /// Since when it is silent, or since it was looked at last.
    silent_since: Instant,
    /// At the last look in this silence.
    look: Option<Look>,
    /// Ends of entries that are handled, and when the broker is to know.
    acknowledging: Vec<MessageIdData>,
    acknowledge_at: Instant,
}

/// How far an opening came.
#[derive(Debug, Default, Clone, Copy)]
enum Opening {
    /// There was no client to request it by.
    #[default]
    NotRequested,
    /// The broker was requested to do it.
    Requested,
    /// It was opened then.
    Opened(Instant),
}

/// What a session brought.
#[derive(Debug, Default, Clone, Copy)]
struct Got {
    /// How far the opening of the subscription came.
    opening: Opening,
    /// Entries of it cannot be taken apart.
    passed_over: bool,
    /// Something was sent to it.
    heard: bool,
    /// It got on: something was acknowledged.
    on: bool,
}

impl Got {
    /// Whether it may have ended for the sake of an entry that the client cannot read. Such an entry ends the connection as soon as
    /// there is one, or nothing comes after it. A process that is not fed hears nothing either: another one would lose its
    /// turn if that looked for entries.
    fn may_be_an_entrys(self, error: &ConsumeError) -> bool {
        let is_broken = matches!(error, ConsumeError::Pulsar(_) | ConsumeError::Ended);
        let soon = matches!(self.opening, Opening::Opened(at) if at.elapsed() < SOON);
        !self.on && (is_broken && soon || self.passed_over)
    }
}

/// An entry in the queue.
struct Pending {
    end: MessageIdData,
    size: usize,
    /// Suspected streams that go on with it.
    brings_on: Vec<StreamId>,
}

impl<'a> Session<'a> {
    /// One connection's life, and what came of it. It ends well only when the subscription is empty.
    async fn run(
        until: Until,
        subscription: &'a Subscription,
        flow: &FlowSender,
        health: &Health,
        memory: &'a mut Memory,
        stop: &CancellationToken,
    ) -> (Result<(), ConsumeError>, Got) {
        let client = tokio::select! {
            () = stop.cancelled() => Err(ConsumeError::Stopping),
            client = in_time(memory.connect(&subscription.client)) => client,
        };
        let client = match client {
            Ok(client) => client,
            Err(error) => return (Err(error), Got::default()),
        };
        let opening = Self::open(until, subscription, client, health.clone(), memory);
        let opened = tokio::select! {
            () = stop.cancelled() => Err(ConsumeError::Stopping),
            opened = in_time(opening) => opened,
        };
        match opened {
            Ok(mut session) => {
                let (topic, partition) = (subscription.topic, subscription.partition);
                let opened = Instant::now();
                if until == Until::Stopped {
                    health.opened(until.transport(), topic, partition);
                }
                let ended = tokio::select! {
                    () = stop.cancelled() => Err(ConsumeError::Stopping),
                    ended = session.follow(flow) => ended,
                };
                let ended = ended.and(session.send_acknowledgements().await);
                if ended.is_ok() {
                    health.opened(until.transport(), topic, partition);
                }
                // Says goodbye, so that the broker sends what is unacknowledged again at once.
                let _ =
                    tokio::time::timeout(Duration::from_secs(1), session.consumer.close()).await;
                let got = Got {
                    opening: Opening::Opened(opened),
                    passed_over: session.passed_over,
                    heard: session.last_heard.is_some(),
                    on: session.acknowledged,
                };
                (ended, got)
            }
            Err(error) => {
                let got = Got {
                    opening: Opening::Requested,
                    ..Got::default()
                };
                (Err(error), got)
            }
        }
    }

    async fn open(
        until: Until,
        subscription: &'a Subscription,
        client: Pulsar<TokioExecutor>,
        health: Health,
        memory: &'a mut Memory,
    ) -> Result<Self, ConsumeError> {
        let name = subscription
            .client
            .settings()
            .partition_name(subscription.topic, subscription.partition);
        let ahead = if subscription.topic.is_commands() {
            COMMANDS_AHEAD
        } else {
            EVENTS_AHEAD
        };
        let opening = client
            .consumer()
            .with_topic(&name)
            .with_subscription(subscription.follower.name())
            .with_subscription_type(SubType::Failover)
            .with_consumer_name(seniority::name(subscription.follower))
            .with_batch_size(ahead)
            .with_options(ConsumerOptions {
                receiver_queue_size: Some(ahead),
                initial_position: InitialPosition::Earliest,
                durable: Some(true),
                priority_level: Some(seniority::priority()),
                ..ConsumerOptions::default()
            })
            .build();
        let consumer = to_its_end(opening).await?;
        let patience = memory.watchdog;
        Ok(Self {
            until,
            subscription,
            client,
            consumer,
            name,
            schemas: HashMap::new(),
            unknown_schemas: UnknownSchemas::default(),
            newest_schema: NewestSchema::default(),
            last_heard: None,
            acknowledged: false,
            passed_over: false,
            health,
            memory,
            at_gaps: Vec::new(),
            halted: None,
            patience,
            silent_since: Instant::now(),
            look: None,
            acknowledging: Vec::new(),
            acknowledge_at: Instant::now(),
        })
    }

    async fn follow(&mut self, flow: &FlowSender) -> Result<(), ConsumeError> {
        let mut entry: Vec<Inbound> = Vec::new();
        let mut pending = FuturesOrdered::new();
        let mut in_flight = 0;
        let mut moved = Instant::now();
        let given_up = self.memory.share.given_up();
        loop {
            if pending.is_empty() {
                moved = Instant::now();
            }
            tokio::select! {
                biased;
                Some(done) = pending.next(), if !pending.is_empty() => {
                    let (done, answers): (Pending, Option<Vec<Vec<Answer>>>) = done;
                    in_flight -= done.size;
                    moved = Instant::now();
                    self.acknowledge(done, answers).await?;
                }
                () = tokio::time::sleep_until(self.acknowledge_at), if !self.acknowledging.is_empty() => {
                    self.send_acknowledgements().await?;
                }
                () = given_up.cancelled() => return Err(ConsumeError::GivenUp),
                () = goes_on(self.halted.clone()) => {
                    self.memory.at_gap.reset();
                    return Err(ConsumeError::GoesOn);
                }
                () = tokio::time::sleep_until(moved + STUCK), if !pending.is_empty() => {
                    return Err(ConsumeError::Stuck);
                }
                next = tokio::time::timeout(self.until.asks_after(self.patience), self.consumer.next()), if in_flight < IN_FLIGHT_MESSAGES => {
                    let Ok(next) = next else {
                        if pending.is_empty() && self.hears_nothing().await? {
                            return Ok(());
                        }
                        continue;
                    };
                    if let Some(handed_over) = self.read_on(next, &mut entry).await? {
                        let messages = std::mem::take(&mut entry);
                        in_flight += handed_over.size;
                        let room = tokio::time::timeout(STUCK, flow.send_entry(messages)).await;
                        let answers = room.map_err(|_| ConsumeError::Stuck)?.map_err(|_| ConsumeError::Stopping)?;
                        pending.push_back(answers.map(move |answers| (handed_over, answers.ok())));
                    }
                }
            }
        }
    }

    /// Takes a message, and those of its entry that lie ready behind it, which needs no timers. What is to be acknowledged, once the
    /// entry is whole.
    async fn read_on(
        &mut self,
        mut next: Option<Result<Message<Vec<u8>>, pulsar::Error>>,
        entry: &mut Vec<Inbound>,
    ) -> Result<Option<Pending>, ConsumeError> {
        while let Some(message) = self.receive(next)? {
            let whole = self.take(message, entry).await?;
            if whole.is_some() {
                return Ok(whole);
            }
            match self.consumer.next().now_or_never() {
                Some(ready) => next = ready,
                None => break,
            }
        }
        Ok(None)
    }

    /// A message, unless it is of an entry that cannot be taken apart.
    fn receive(
        &mut self,
        next: Option<Result<Message<Vec<u8>>, pulsar::Error>>,
    ) -> Result<Option<Message<Vec<u8>>>, ConsumeError> {
        match next.ok_or(ConsumeError::Ended)? {
            Ok(message) => Ok(Some(message)),
            Err(error) if is_undecodable(&error) => {
                self.pass_over(&error);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Adds a message to its entry. What is to be acknowledged, once the entry is whole.
    async fn take(
        &mut self,
        mut message: Message<Vec<u8>>,
        entry: &mut Vec<Inbound>,
    ) -> Result<Option<Pending>, ConsumeError> {
        let in_batch = message.metadata().num_messages_in_batch;
        let (index, size) = place_in_entry(message.message_id(), in_batch);
        if index == 0 {
            entry.clear();
        }
        let bytes = Bytes::from(std::mem::take(&mut message.payload.data));
        entry.push(self.read(&message, bytes).await?);
        self.last_heard = Some(message.message_id().clone());
        self.silent_since = Instant::now();
        self.look = None;
        if index + 1 < size {
            return Ok(None);
        }
        if let Some(last) = entry.last_mut() {
            last.decode();
        }
        Ok(Some(self.pending(&message, entry)))
    }

    fn pending(&self, last: &Message<Vec<u8>>, messages: &[Inbound]) -> Pending {
        Pending {
            end: last.message_id().clone(),
            size: messages.len(),
            brings_on: self.memory.suspects.brought_on(messages),
        }
    }

    /// Acknowledges an entry whose every message is committed or parked: it alone. What the broker sent before it may be in
    /// the hands of another process still, or of none.
    async fn acknowledge(
        &mut self,
        done: Pending,
        answers: Option<Vec<Vec<Answer>>>,
    ) -> Result<(), ConsumeError> {
        let answers = answers.ok_or(ConsumeError::Stopping)?;
        for answer in answers.into_iter().flatten() {
            match answer {
                Answer::Halted { reason } => {
                    self.halt(reason);
                    return Ok(());
                }
                Answer::Gap { stream, expected } => return self.met(Gap { stream, expected }),
                _ => {}
            }
        }
        if self.acknowledging.is_empty() {
            self.acknowledge_at = Instant::now() + ACKNOWLEDGE_AFTER;
        }
        self.acknowledging.push(done.end);
        self.acknowledged = true;
        if self.until == Until::Empty || self.acknowledging.len() >= ACKNOWLEDGE_TOGETHER {
            self.send_acknowledgements().await?;
        }
        let mut closed = false;
        for stream in done.brings_on {
            closed |= self.memory.suspects.forget(&stream);
            self.health.gap_closed(&stream);
        }
        if closed {
            self.memory.at_gap.reset();
            return Err(ConsumeError::GapClosed);
        }
        Ok(())
    }

    async fn send_acknowledgements(&mut self) -> Result<(), ConsumeError> {
        for end in self.acknowledging.drain(..) {
            self.consumer
                .ack_with_id(&self.name, end)
                .await
                .map_err(|error| ConsumeError::Pulsar(pulsar::Error::Consumer(error)))?;
        }
        Ok(())
    }

    /// Met a hole in a stream. Before one that stands it reads on without acknowledging: whatever sends the missing message
    /// again sends all behind it too.
    fn met(&mut self, gap: Gap) -> Result<(), ConsumeError> {
        if self.at_gaps.contains(&gap) {
            return Ok(());
        }
        if !self.memory.suspects.met(&gap) {
            return Err(ConsumeError::Suspected {
                source_name: gap.stream.source,
                expected: gap.expected,
            });
        }
        if self.health.gap_stands(&gap) {
            let topic = gap.stream.topic.name();
            metrics::counter!("tributary_stream_gaps_total", "topic" => topic).increment(1);
            tracing::error!(
                source = gap.stream.source,
                topic,
                partition = gap.stream.partition,
                expected = gap.expected,
                "a message is missing, although the broker was asked again"
            );
        }
        self.patience = self.memory.at_gap.wait();
        self.at_gaps.push(gap);
        Ok(())
    }

    /// A stream waits for an operator, as the engine has noted. It is read over without acknowledging, for what comes of others has nothing
    /// to do with it; once it goes on, all of it comes again.
    fn halt(&mut self, reason: String) {
        if self.halted.is_some() {
            return;
        }
        let (topic, partition) = (self.subscription.topic, self.subscription.partition);
        self.halted = Some(self.health.halts.note(topic, partition));
        self.patience = self.memory.at_gap.wait();
        if self.until == Until::Empty {
            let shut = Shut::NotReady(reason);
            self.health
                .failed(self.until.transport(), topic, partition, shut);
        }
    }

    /// An entry that the client cannot take apart, and does not name: what follows it is handled, and it is taken out of the
    /// subscription when nothing more comes.
    fn pass_over(&mut self, error: &pulsar::Error) {
        self.passed_over = true;
        let (topic, partition) = (self.subscription.topic.name(), self.subscription.partition);
        metrics::counter!("tributary_undecodable_entries_total", "topic" => topic).increment(1);
        tracing::error!(
            topic,
            partition,
            %error,
            "an entry of the broker's cannot be decoded: it is passed over, see docs/runbooks/undecodable.md"
        );
    }

    /// Nothing came for a while, and nothing is in flight. True when there is nothing that could come any more.
    async fn hears_nothing(&mut self) -> Result<bool, ConsumeError> {
        if self.until == Until::Empty && self.backlog().await? == 0 {
            return Ok(true);
        }
        if self.silent_since.elapsed() < self.patience {
            return Ok(false);
        }
        self.silent_since = Instant::now();
        if !self.at_gaps.is_empty() || self.halted.is_some() {
            return Err(ConsumeError::AtGap);
        }
        self.check_silence().await?;
        Ok(false)
    }

    /// Entries of the subscription that nobody acknowledged, by the broker's own exact count.
    async fn backlog(&mut self) -> Result<u64, ConsumeError> {
        let request = tokio::time::timeout(Duration::from_secs(5), self.consumer.get_stats()).await;
        let stats = request.map_err(|_| ConsumeError::TimedOut)??;
        let backlog = |stats: &CommandConsumerStatsResponse| stats.msg_backlog.unwrap_or(u64::MAX);
        Ok(stats.iter().map(backlog).max().unwrap_or(u64::MAX))
    }

    async fn check_silence(&mut self) -> Result<(), ConsumeError> {
        let backlog = self.backlog().await?;
        let newest = if backlog > 0 {
            self.newest().await?
        } else {
            let (topic, partition) = (self.subscription.topic, self.subscription.partition);
            self.health.claims.note(topic, partition, Claim::Quiet);
            None
        };
        let now = Look { backlog, newest };
        let heard = self.last_heard.as_ref().map(place);
        match self.look.replace(now) {
            Some(before) if now.is_stalled(before, heard) => Err(ConsumeError::Silent),
            _ => Ok(()),
        }
    }

    /// The topic's last entry, if it has any.
    async fn newest(&mut self) -> Result<Option<Place>, ConsumeError> {
        let request =
            tokio::time::timeout(Duration::from_secs(5), self.consumer.get_last_message_id()).await;
        let last = request.map_err(|_| ConsumeError::TimedOut)??;
        Ok(last.iter().map(place).filter(|it| it.1 < u64::MAX).max())
    }

    async fn read(
        &mut self,
        message: &Message<Vec<u8>>,
        bytes: Bytes,
    ) -> Result<Inbound, ConsumeError> {
        let metadata = message.metadata();
        let mut hint = Hint::default();
        for property in metadata.properties.iter().rev() {
            let text = property.value.as_str();
            match property.key.as_str() {
                "id" => hint.id = text.parse().ok(),
                "type" => hint.kind = Some(text),
                "correlationid" => hint.correlation_id = text.parse().ok(),
                "signature" => hint.signature = Some(text),
                "source" => hint.source = Some(text),
                "epoch" => hint.epoch = text.parse().ok(),
                "sequence" => hint.sequence = text.parse().ok(),
                "subject" => hint.subject = Some(text),
                _ => {}
            }
        }
        let (topic, partition) = (self.subscription.topic, self.subscription.partition);
        let is_publishers =
            hint.signature.is_some() && hint.source == Some(topic.publisher().name());
        let version = metadata.schema_version.as_deref();
        let schema = self.schema(version, is_publishers).await?;
        let id = message.message_id();
        let place = || {
            let (ledger, entry, index) = (id.ledger_id, id.entry_id, id.batch_index.unwrap_or(-1));
            let place = format!("{ledger}:{entry}:{index}");
            ids::derive(&["broker-message", &self.name, &place])
        };
        let vouching = Vouching::Signature(&self.subscription.trust);
        let wire = Wire { schema, bytes };
        if self.subscription.decodes_later {
            let trust = &self.subscription.trust;
            if let Some(inbound) = Inbound::undecoded(topic, partition, &wire, &hint, trust) {
                return Ok(inbound);
            }
        }
        let inbound = Inbound::read(topic, partition, wire, place, &hint, vouching);
        let is_known = !matches!(inbound.sender, Sender::Unknown { .. });
        if !is_known && inbound.source == topic.publisher().name() {
            let epoch = inbound
                .header()
                .map_or(hint.epoch, |header| header.epoch)
                .unwrap_or(1);
            self.health
                .claims
                .note(topic, partition, Claim::Unsigned { epoch });
        }
        Ok(inbound)
    }

    /// Asks by a consumer of its own, at the topic's end and for this question only: while more lies ready than fits the
    /// receiver queue, ours answers nothing until somebody reads on, and nobody does before the schema is known.
    async fn ask_schema(&self, version: Option<Vec<u8>>) -> Result<Option<Schema>, pulsar::Error> {
        let follower = self.subscription.follower.name();
        let opening = self
            .client
            .consumer()
            .with_topic(&self.name)
            .with_subscription(format!("{follower}-schema-{}", Uuid::new_v4()))
            .with_subscription_type(SubType::Exclusive)
            .with_options(ConsumerOptions {
                initial_position: InitialPosition::Latest,
                durable: Some(false),
                ..ConsumerOptions::default()
            })
            .build();
        let mut client: Consumer<Vec<u8>, TokioExecutor> = to_its_end(opening).await?;
        let schema = client.get_schema(&self.name, version).await?;
        client.close().await?;
        Ok(schema)
    }

    /// Of no version, the topic's newest.
    async fn ask_schema_in_time(
        &self,
        version: Option<&[u8]>,
    ) -> Result<Option<Schema>, ConsumeError> {
        let request = Box::pin(self.ask_schema(version.map(<[u8]>::to_vec)));
        let answered = tokio::time::timeout(Duration::from_secs(5), request).await;
        Ok(answered.map_err(|_| ConsumeError::TimedOut)??)
    }

    /// The topic's newest schema, as it was a moment ago; this build's own where the broker has none that can be read.
    async fn newest_schema(&mut self) -> Result<Arc<WriterSchema>, ConsumeError> {
        let topic = self.subscription.topic;
        if self.newest_schema.is_due(std::time::Instant::now()) {
            let schema = self.ask_schema_in_time(None).await?;
            let parsed = schema.and_then(|schema| {
                let text = String::from_utf8_lossy(&schema.schema_data);
                WriterSchema::parse(topic, &text).ok()
            });
            self.newest_schema.note(parsed, std::time::Instant::now());
        }
        let newest = self.newest_schema.get();
        Ok(newest.unwrap_or_else(|| WriterSchema::current(topic)))
    }

    /// The schema that a message was written with, by its version at the broker. A version that the broker does not have, or
    /// that is no schema of the topic's, says nothing: whoever may publish can name one, and each costs a question, which takes a
    /// while, so that of many most get none. One that is no version gets none ever: the broker fails at it, and ends the connection.
    /// What says that it is the publisher's and gets none is read by the topic's newest: a flood of versions hides no true message of that.
    async fn schema(
        &mut self,
        version: Option<&[u8]>,
        is_publishers: bool,
    ) -> Result<Arc<WriterSchema>, ConsumeError> {
        let topic = self.subscription.topic;
        if let Some(known) = version.and_then(|version| self.schemas.get(version)) {
            return Ok(Arc::clone(known));
        }
        let version = version.filter(|it| it.len() == SCHEMA_VERSION_BYTES);
        let now = std::time::Instant::now();
        let may_ask = |it: &&[u8]| self.unknown_schemas.may_ask(it, is_publishers, now);
        let to_ask = version.filter(may_ask);
        if to_ask.is_none() && version.is_some() && is_publishers {
            return self.newest_schema().await;
        }
        let Some(version) = to_ask else {
            return Ok(WriterSchema::current(topic));
        };
        let mut schema = self.ask_schema_in_time(Some(version)).await?;
        // The client does not tell an error of the broker's from its knowing none. When one was met, more are likely.
        let mut left = if self.unknown_schemas.is_empty(now) {
            2
        } else {
            0
        };
        while schema.is_none() && left > 0 {
            left -= 1;
            tokio::time::sleep(ASK_AGAIN).await;
            schema = self.ask_schema_in_time(Some(version)).await?;
        }
        let parsed = schema
            .ok_or_else(|| "the broker does not know it".to_owned())
            .and_then(|schema| {
                let text = String::from_utf8_lossy(&schema.schema_data);
                WriterSchema::parse(topic, &text).map_err(|error| error.to_string())
            });
        match parsed {
            Ok(parsed) => {
                self.schemas.insert(version.to_vec(), Arc::clone(&parsed));
                Ok(parsed)
            }
            Err(error) => {
                let partition = self.subscription.partition;
                tracing::warn!(
                    topic = topic.name(),
                    partition,
                    ?version,
                    error,
                    "a message names a schema that is none of its topic's"
                );
                self.unknown_schemas
                    .note(version, std::time::Instant::now());
                Ok(WriterSchema::current(topic))
            }
        }
    }
}

/// Until a halted stream goes on, if one is.
async fn goes_on(halted: Option<CancellationToken>) {
    match halted {
        Some(halted) => halted.cancelled_owned().await,
        None => std::future::pending().await,
    }
}

/// What is not there by then is tried again.
async fn in_time<T, E: Into<ConsumeError>>(
    task: impl Future<Output = Result<T, E>>,
) -> Result<T, ConsumeError> {
    match tokio::time::timeout(Duration::from_secs(15), task).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(ConsumeError::TimedOut),
    }
}

/// Whether it is of one entry alone: compressed, which nothing of ours is and no client needs, or not put together as it
/// says it is. The connection is well.
fn is_undecodable(error: &pulsar::Error) -> bool {
    matches!(
        error,
        pulsar::Error::Consumer(ConsumerError::Io(_))
            | pulsar::Error::Connection(ConnectionError::Decoding(_))
    )
}

fn place(id: &MessageIdData) -> Place {
    (id.ledger_id, id.entry_id)
}

/// A message's index in its entry, and how many the entry has.
fn place_in_entry(id: &MessageIdData, in_batch: Option<i32>) -> (i32, i32) {
    match id.batch_index {
        Some(index) if index >= 0 => (index, id.batch_size.or(in_batch).unwrap_or(1).max(1)),
        _ => (0, 1),
    }
}
