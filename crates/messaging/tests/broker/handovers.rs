//! The active consumer of a subscription changes while messages come: what the broker does then, and that nothing is lost.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use devstack::provision::Place;
use devstack::stack::{self, BrokerSetup, Pulsar, PulsarPorts};
use messaging::transport::consumer;
use messaging::transport::pulsar::BrokerSettings;
use messaging::{Answer, Health, Inbound, Queue, Tasks};
use pulsar::producer::Message as RawMessage;
use schemas::{Service, Topic};
use tokio_util::sync::CancellationToken;

use crate::external_producer;
use crate::lab::{new_place, place, settings, subscription};

const COMMANDS: Topic = Topic::TrackingCommands;
const HAND_OVERS: usize = 20;
/// Until a process was fed ahead, where that is to be seen.
const MAX_HAND_OVERS: usize = 60;
/// What a process handles before the next one takes over.
const EACH: usize = 150;
/// Where the publisher slows down, ahead of what is handled.
const AHEAD: u64 = 200;
/// What it publishes as fast as it can around a hand-over: less than the broker sends a process beyond what that handled.
const BURST: u64 = 300;

/// Which of the numbered messages were handled, by any process.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<BTreeSet<u64>>>);

impl Handled {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap()
    }

    /// The first number that nobody handled.
    fn first_missing(&self) -> u64 {
        let handled = self.lock();
        let mut expected = 0;
        for number in handled.iter() {
            if *number != expected {
                break;
            }
            expected += 1;
        }
        expected
    }

    fn count(&self) -> u64 {
        self.lock().len() as u64
    }

    /// The highest number that anybody handled.
    fn newest(&self) -> u64 {
        self.lock().last().copied().unwrap_or(0)
    }
}

/// One process of a service: it takes a moment for each entry, and dies with what it has in flight.
struct Process {
    tasks: Tasks,
    done: Arc<Mutex<usize>>,
    /// The first number that it was given, and the first that nobody had handled then.
    first: Arc<Mutex<Option<(u64, u64)>>>,
}

impl Process {
    fn start(settings: &BrokerSettings, handled: &Handled) -> Self {
        let (process, queue) = Self::stuck(settings);
        let handling = process.handling(queue, handled.clone());
        process.tasks.spawn("handling", handling);
        process
    }

    /// One that commits nothing of what is in its queue.
    fn stuck(settings: &BrokerSettings) -> (Self, Queue) {
        let tasks = Tasks::new(CancellationToken::new());
        let queue = Queue::of(Service::Bff);
        let subscription = subscription(settings, Service::Tracking, COMMANDS);
        let stop = tasks.stop().clone();
        let consuming = consumer::consume(subscription, queue.flow(), Health::default(), stop);
        tasks.spawn("consumer", consuming);
        let (done, first) = (Arc::default(), Arc::default());
        (Self { tasks, done, first }, queue)
    }

    /// Answers what comes as an engine would after its commit.
    fn handling(
        &self,
        queue: Queue,
        handled: Handled,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (done, first) = (Arc::clone(&self.done), Arc::clone(&self.first));
        let stop = self.tasks.stop().clone();
        async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = queue.ready() => {}
                }
                for item in queue.fill().items {
                    let number = number(&item.messages[0]);
                    first
                        .lock()
                        .unwrap()
                        .get_or_insert_with(|| (number, handled.first_missing()));
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(Duration::from_millis(1)) => {}
                    }
                    handled.lock().insert(number);
                    *done.lock().unwrap() += 1;
                    let _gone = item.done.send(vec![Answer::Skipped]);
                }
            }
        }
    }

    fn done(&self) -> usize {
        *self.done.lock().unwrap()
    }

    /// Whether the broker began behind something that nobody had handled.
    fn was_fed_ahead(&self) -> bool {
        let first = *self.first.lock().unwrap();
        first.is_some_and(|(number, missing)| number > missing)
    }

    fn kill(&self) {
        self.tasks.stop().cancel();
    }
}

fn number(message: &Inbound) -> u64 {
    let bytes = &message.wire.as_ref().unwrap().bytes;
    u64::from_be_bytes(bytes[..].try_into().unwrap())
}

/// How far the publisher is.
#[derive(Clone, Default)]
struct Published {
    next: Arc<AtomicU64>,
    /// Up to here it does not slow down.
    burst: Arc<AtomicU64>,
}

impl Published {
    fn next(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// Publishes numbered messages of an external producer, each an entry, until told to stop.
    async fn publish(
        &self,
        settings: &BrokerSettings,
        handled: &Handled,
        stop: &CancellationToken,
    ) {
        let mut producer = external_producer(settings, COMMANDS, None).await;
        while !stop.is_cancelled() {
            let next = self.next();
            let is_far = next > handled.newest() + AHEAD;
            let slowly = is_far && next > self.burst.load(Ordering::SeqCst);
            if slowly {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let mut receipts = Vec::new();
            for number in next..next + if slowly { 1 } else { 10 } {
                let message = RawMessage {
                    payload: number.to_be_bytes().to_vec(),
                    ..RawMessage::default()
                };
                receipts.push(producer.send_non_blocking(message).await.unwrap());
                self.next.store(number + 1, Ordering::SeqCst);
            }
            futures::future::try_join_all(receipts).await.unwrap();
        }
    }

    /// When it publishes as fast as it can. The broker feeds a new consumer ahead when it is just sending the one before
    /// something more: then it reads on for whoever is active.
    async fn bursts(&self) {
        let next = self.next();
        self.burst.store(next + BURST, Ordering::SeqCst);
        runtime::testing::until("it publishes fast", || async { self.next() > next + 30 }).await;
    }
}

/// Hands a subscription over while somebody publishes: so often, or more often until a process was fed ahead. Returns how
/// many messages were published, and how many processes the broker fed ahead of what the one before had in flight.
async fn hand_over(
    place: &Place,
    settings: &BrokerSettings,
    handled: &Handled,
    until_fed_ahead: bool,
) -> (u64, usize) {
    let published = Published::default();
    let stop = CancellationToken::new();
    let publishing = published.publish(settings, handled, &stop);
    let handing = async {
        let (mut hand_overs, mut fed_ahead) = (0, 0);
        let mut process = Process::start(settings, handled);
        while hand_overs < HAND_OVERS
            || until_fed_ahead && fed_ahead == 0 && hand_overs < MAX_HAND_OVERS
        {
            hand_overs += 1;
            runtime::testing::until("the process handles its share", || async {
                process.done() >= EACH && published.next() < handled.newest() + AHEAD + 20
            })
            .await;
            let next = Process::start(settings, handled);
            if until_fed_ahead {
                // One that comes when the one before is gone is not fed ahead.
                runtime::testing::until("the next one stands by", || async {
                    let consumers = place.consumers(COMMANDS, 0, Service::Tracking.name());
                    consumers.await.unwrap().len() == 2
                })
                .await;
                published.bursts().await;
            }
            process.kill();
            fed_ahead += usize::from(process.was_fed_ahead());
            process = next;
        }
        stop.cancel();
        (process, fed_ahead)
    };
    let ((), (last, fed_ahead)) = tokio::join!(publishing, handing);
    runtime::testing::until("the last process has its share", || async {
        last.done() > 0
    })
    .await;
    let fed_ahead = fed_ahead + usize::from(last.was_fed_ahead());
    (published.next(), fed_ahead)
}

/// `feeds_ahead`: the broker is one that does.
#[allow(clippy::print_stdout, reason = "the experiment's figures")]
async fn assert_nothing_lost(place: &Place, settings: &BrokerSettings, feeds_ahead: bool) {
    let handled = Handled::default();
    let (published, fed_ahead) = hand_over(place, settings, &handled, feeds_ahead).await;
    let last = Process::start(settings, &handled);
    runtime::testing::until("the broker has every acknowledgement", || async {
        place.backlog(COMMANDS).await.unwrap() == 0
    })
    .await;
    last.kill();
    let missing = published - handled.count();
    println!("{published} messages: {fed_ahead} processes were fed ahead, {missing} messages lost");
    assert!(fed_ahead > 0 || !feeds_ahead, "nobody was fed ahead");
    assert_eq!(missing, 0, "every external command is handled");
}

#[tokio::test]
async fn twenty_hand_overs_under_load_lose_no_external_command() {
    let (place, settings) = new_place(1).await;
    assert_nothing_lost(&place, &settings, false).await;
}

#[tokio::test]
async fn a_broker_that_waits_before_it_rewinds_feeds_a_new_consumer_ahead_and_yet_no_external_command_is_lost()
 {
    let folder = stack::testing::scratch("waiting-broker");
    // As Pulsar ships it; ours rewind at once.
    let setup = BrokerSetup::default().rewinding_late();
    let broker = Pulsar::start_with(&folder, PulsarPorts::free(), setup)
        .await
        .unwrap();
    let place = place(&broker.admin_url(), 1);
    place.provision().await.unwrap();
    assert_nothing_lost(&place, &settings(&broker.service_url(), &place), true).await;
}

#[tokio::test]
async fn a_process_that_commits_nothing_leaves_its_subscription_to_one_that_does() {
    let (_place, settings) = new_place(1).await;
    let (stuck, queue) = Process::stuck(&settings);
    let mut producer = external_producer(&settings, COMMANDS, None).await;
    let message = RawMessage {
        payload: 0_u64.to_be_bytes().to_vec(),
        ..RawMessage::default()
    };
    let sent = producer.send_non_blocking(message).await.unwrap();
    sent.await.unwrap();
    queue.ready().await;
    let handled = Handled::default();
    let other = Process::start(&settings, &handled);
    runtime::testing::until("the other process has it", || async { other.done() > 0 }).await;
    stuck.kill();
    other.kill();
}
