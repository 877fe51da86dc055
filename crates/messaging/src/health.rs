//! Whether each transport is open, and if not, whether that is an outage or something that has to be mended before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::{Service, Topic};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::Micros;

use crate::clock;
use crate::mode::Mode;
use crate::stream::{Gap, StreamId};

/// A disagreement that was not heard of again for so long is over.
const DISAGREES_FOR: Duration = Duration::from_secs(15);
/// Gaps that are reported at once: where more stand, these say enough.
const MAX_GAPS: usize = 64;

/// Why a transport is not open, by what that means for a process that did not have it open yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shut {
    /// Who is at its other end is away: an outage, which the process outlives, whenever it began.
    Outage(String),
    /// It is refused, or something has to be done first: the process is not ready before it was open.
    NotReady(String),
}

impl Shut {
    fn why(&self) -> &str {
        let (Self::Outage(why) | Self::NotReady(why)) = self;
        why
    }
}

#[derive(Debug, Clone, Default)]
struct Transport {
    /// Whether the process is not ready before it was open.
    expected: bool,
    opened_once: bool,
    shut: Option<Shut>,
    /// When it failed first since it was open last.
    since: Option<Micros>,
}

/// Something that waits for what it depends on, and tries again with backoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// What waits: a transport, or `batches`.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Micros,
}

/// A gap, and what its source says of sending again.
#[derive(Debug, Clone)]
struct ReportedGap {
    expected: i64,
    source_says: Option<String>,
}

/// A partition of a topic: its one publisher has one stream there.
pub(crate) type Place = (Topic, i32);

/// Why a stream may go on behind what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Something came in the publisher's name that nobody known signed, with the epoch that it claims.
    Unsigned { epoch: i64 },
    /// The broker has nothing more: what it lost at the end no later message shows.
    Quiet,
}

/// Where a stream may go on behind what came: one for each followed partition at most, however much comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    open: Arc<Mutex<HashMap<Place, Claim>>>,
    followed: Arc<Mutex<HashSet<Place>>>,
}

impl Claims {
    /// Notes that this process follows a partition by the broker.
    pub(crate) fn follow(&self, topic: Topic, partition: i32) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.insert((topic, partition));
    }

    /// The partitions of facts that this process follows by the broker.
    pub(crate) fn followed_facts(&self) -> Vec<Place> {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = followed.iter().filter(|(topic, _)| !topic.is_commands());
        facts.copied().collect()
    }

    pub(crate) fn note(&self, topic: Topic, partition: i32, claim: Claim) {
        let mut claims = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = claims.entry((topic, partition)).or_insert(claim);
        if claim != Claim::Quiet {
            *known = claim;
        }
    }

    pub(crate) fn take(&self) -> HashMap<Place, Claim> {
        std::mem::take(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a stream was found halted, each with what is cancelled once an operator has let it go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Halts(Arc<Mutex<HashMap<Place, CancellationToken>>>);

impl Halts {
    /// Notes one; what is returned is cancelled when it goes on.
    pub(crate) fn note(&self, topic: Topic, partition: i32) -> CancellationToken {
        let mut halts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halts.entry((topic, partition)).or_default().clone()
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        let halts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halts.keys().copied().collect()
    }

    pub(crate) fn goes_on(&self, place: Place) {
        let mut halts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waits) = halts.remove(&place) {
            waits.cancel();
        }
    }
}

/// The transports of one process, shared by all that travel them.
#[derive(Debug, Clone, Default)]
pub struct Health {
    transports: Arc<Mutex<BTreeMap<String, Transport>>>,
    disagreements: Arc<Mutex<BTreeMap<&'static str, (String, Instant)>>>,
    stops: Arc<Mutex<BTreeMap<String, String>>>,
    gaps: Arc<Mutex<HashMap<StreamId, ReportedGap>>>,
    batches: Arc<Mutex<Option<Paused>>>,
    /// Where streams may go on.
    pub(crate) claims: Claims,
    /// Where streams wait for an operator.
    pub(crate) halts: Halts,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Transport>> {
        self.transports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what another service says of its mode in a handshake with what this process is configured for.
    pub(crate) fn compare_mode(&self, other: Service, configured: Mode, says: Mode) {
        let mut known = self
            .disagreements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if configured == says {
            known.remove(other.name());
        } else {
            let text = format!(
                "{} runs in {says} mode, this process is configured for {configured}",
                other.name()
            );
            known.insert(other.name(), (text, Instant::now()));
        }
    }

    /// Services whose mode is not what this process is configured for. One that has not said so for a while was switched
    /// since, and now reaches this process by another transport.
    pub fn disagreements(&self) -> Vec<String> {
        self.disagreements_within(DISAGREES_FOR)
    }

    fn disagreements_within(&self, lately: Duration) -> Vec<String> {
        let mut known = self
            .disagreements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, reported)| reported.elapsed() < lately);
        known.values().map(|(text, _)| text.clone()).collect()
    }

    /// A stream stands still until an operator acts.
    pub(crate) fn halted(&self, transport: &str, topic: Topic, partition: i32, reason: &str) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.insert(Self::name(transport, topic, partition), reason.to_owned());
    }

    pub(crate) fn goes_on(&self, transport: &str, topic: Topic, partition: i32) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if !stops.is_empty() {
            stops.remove(&Self::name(transport, topic, partition));
        }
    }

    /// How many streams this process sends no further until an operator acts.
    pub(crate) fn stopped_sends(&self) -> usize {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.len()
    }

    fn lock_gaps(&self) -> MutexGuard<'_, HashMap<StreamId, ReportedGap>> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A gap stands. True when that was not reported before.
    pub(crate) fn gap_stands(&self, gap: &Gap) -> bool {
        let mut gaps = self.lock_gaps();
        let known = gaps.get(&gap.stream).map(|reported| reported.expected);
        let full = known.is_none() && gaps.len() >= MAX_GAPS;
        if full || known == Some(gap.expected) {
            return false;
        }
        let reported = ReportedGap {
            expected: gap.expected,
            source_says: None,
        };
        gaps.insert(gap.stream.clone(), reported);
        true
    }

    /// What became of asking the source to send again.
    pub(crate) fn source_says(&self, gap: &Gap, what: String) {
        if let Some(reported) = self.lock_gaps().get_mut(&gap.stream) {
            reported.source_says = Some(what);
        }
    }

    pub(crate) fn gap_closed(&self, stream: &StreamId) {
        self.lock_gaps().remove(stream);
    }

    /// Gaps that stand, as far as this process knows: [`crate::gap::judge`] asks the database.
    pub fn gaps(&self) -> Vec<Gap> {
        let gaps = self.lock_gaps();
        let gaps = gaps.iter().map(|(stream, reported)| Gap {
            stream: stream.clone(),
            expected: reported.expected,
        });
        gaps.collect()
    }

    /// Streams that stand still, and why: until an operator acts, or for a gap until what is missing came.
    pub fn stops(&self) -> Vec<(String, String)> {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stops: Vec<_> = stops.clone().into_iter().collect();
        for (stream, reported) in self.lock_gaps().iter() {
            let name = Self::name("subscription", stream.topic, stream.partition);
            stops.push((name, reported.reason(stream)));
        }
        stops
    }

    fn name(transport: &str, topic: Topic, partition: i32) -> String {
        format!("{transport} {}/{partition}", topic.name())
    }

    /// A transport that this process needs before it is ready.
    pub fn expect(&self, transport: &str, topic: Topic, partition: i32) {
        let mut transports = self.lock();
        let transport = transports.entry(Self::name(transport, topic, partition));
        transport.or_default().expected = true;
    }

    /// A transport that this process travels, whether or not it needs it before it is ready.
    pub(crate) fn travels(&self, transport: &str, topic: Topic, partition: i32) {
        self.lock()
            .entry(Self::name(transport, topic, partition))
            .or_default();
    }

    pub(crate) fn opened(&self, transport: &str, topic: Topic, partition: i32) {
        if let Some(transport) = self
            .lock()
            .get_mut(&Self::name(transport, topic, partition))
        {
            transport.opened_once = true;
            transport.shut = None;
            transport.since = None;
        }
    }

    /// Notes why a transport is not open.
    pub fn failed(&self, transport: &str, topic: Topic, partition: i32, shut: Shut) {
        if let Some(transport) = self
            .lock()
            .get_mut(&Self::name(transport, topic, partition))
        {
            transport.shut = Some(shut);
            transport.since.get_or_insert_with(clock::real);
        }
    }

    /// A transport that this process travels no more: another one does now.
    pub(crate) fn left(&self, transport: &str, topic: Topic, partition: i32) {
        let name = Self::name(transport, topic, partition);
        let mut transports = self.lock();
        if transports
            .get(&name)
            .is_some_and(|transport| !transport.opened_once)
        {
            transports.remove(&name);
        } else if let Some(transport) = transports.get_mut(&name) {
            transport.shut = None;
            transport.since = None;
        }
        drop(transports);
        self.goes_on(transport, topic, partition);
    }

    /// Every transport, and whether it is open.
    pub fn transports(&self) -> Vec<(String, bool)> {
        let transports = self.lock();
        let open = |transport: &Transport| transport.opened_once && transport.shut.is_none();
        transports
            .iter()
            .map(|(name, transport)| (name.clone(), open(transport)))
            .collect()
    }

    /// The database cannot take a batch now: nothing is handled until it can.
    pub(crate) fn batches_wait(&self, reason: &str) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let since = batches
            .as_ref()
            .map_or_else(clock::real, |paused| paused.since);
        *batches = Some(Paused {
            name: "batches".to_owned(),
            reason: shortened(reason),
            since,
        });
    }

    /// It took one.
    pub(crate) fn batches_go_on(&self) {
        *self.batches.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether batches wait for the database, why and since when.
    pub fn batches(&self) -> Option<Paused> {
        self.batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Transports that are not open and that the process goes on without: it is ready without them, they were open once, or it is an outage.
    /// Those of streams that stand still until an operator acts are named there.
    pub fn paused(&self) -> Vec<Paused> {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        let stops = stops.clone();
        let transports = self.lock();
        let paused = transports
            .iter()
            .filter(|(name, transport)| !transport.is_needed() && !stops.contains_key(*name));
        paused
            .filter_map(|(name, transport)| {
                Some(Paused {
                    name: name.clone(),
                    reason: shortened(transport.shut.as_ref()?.why()),
                    since: transport.since?,
                })
            })
            .collect()
    }

    /// Transports that were never open since the start, and why; without those whose other end is away.
    pub fn never_opened(&self) -> Vec<(String, String)> {
        let transports = self.lock();
        let needed = transports
            .iter()
            .filter(|(_, transport)| transport.is_needed());
        needed
            .map(|(name, transport)| {
                let why = transport.shut.as_ref().map_or("is being opened", Shut::why);
                (name.clone(), shortened(why))
            })
            .collect()
    }
}

impl Transport {
    /// Whether the process is not ready before it is open. Once it was, that it is not any more is an outage.
    fn is_needed(&self) -> bool {
        self.expected && !self.opened_once && !matches!(self.shut, Some(Shut::Outage(_)))
    }
}

fn shortened(why: &str) -> String {
    why.chars().take(300).collect()
}

impl ReportedGap {
    fn reason(&self, stream: &StreamId) -> String {
        let missing = format!(
            "message {} of {} is missing in the stream of {} (epoch {})",
            self.expected,
            stream.topic.name(),
            stream.source,
            stream.epoch
        );
        let says = self.source_says.as_deref().map_or_else(
            || "it is to be sent again from there".to_owned(),
            |says| format!("{} {says}", stream.source),
        );
        format!("{missing}: {says} (tributary relay rewind; docs/runbooks/restore.md)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_lost_its_lock_takes_its_stop_back() {
        let health = Health::default();
        health.halted("http:payment", Topic::CommissionEvents, 0, "it is ahead");
        assert_eq!(health.stops().len(), 1);
        health.left("http:payment", Topic::CommissionEvents, 0);
        assert_eq!(health.stops(), Vec::new());
    }

    #[test]
    fn a_broker_that_is_away_from_the_start_keeps_nobody_unready_and_one_that_refuses_does() {
        let (health, topic) = (Health::default(), Topic::CommissionEvents);
        health.expect("subscription", topic, 0);
        assert_eq!(health.never_opened().len(), 1, "it is not known yet");
        let away = || Shut::Outage("connection refused".to_owned());
        health.failed("subscription", topic, 0, away());
        assert_eq!(health.never_opened(), Vec::new());
        assert_eq!(health.paused()[0].reason, "connection refused");
        let refused = Shut::NotReady("not authorized".to_owned());
        health.failed("subscription", topic, 0, refused.clone());
        assert_eq!(health.never_opened()[0].1, "not authorized");
        assert_eq!(health.paused(), Vec::new());
        health.opened("subscription", topic, 0);
        health.failed("subscription", topic, 0, refused);
        assert_eq!(health.never_opened(), Vec::new(), "it was open once");
        assert_eq!(health.paused()[0].reason, "not authorized");
    }

    #[test]
    fn a_relay_that_another_one_took_over_before_it_was_open_keeps_nobody_unready() {
        let (health, topic) = (Health::default(), Topic::CommissionEvents);
        health.expect("pulsar", topic, 0);
        health.left("pulsar", topic, 0);
        assert_eq!(health.never_opened(), Vec::new());
    }

    #[test]
    fn a_follower_that_refuses_keeps_no_sender_unready_and_is_no_open_transport() {
        let (health, topic) = (Health::default(), Topic::CommissionEvents);
        health.travels("http:payment", topic, 0);
        let name = "http:payment commission-events/0".to_owned();
        assert_eq!(health.transports(), [(name.clone(), false)]);
        let refused = Shut::NotReady("payment answers 401".to_owned());
        health.failed("http:payment", topic, 0, refused);
        assert_eq!(health.transports(), [(name, false)]);
        assert_eq!(health.never_opened(), Vec::new());
        assert_eq!(health.paused()[0].reason, "payment answers 401");
        health.halted("http:payment", topic, 0, "it is ahead");
        assert_eq!(health.paused(), Vec::new(), "it is named once");
        assert_eq!(health.stopped_sends(), 1);
    }

    #[test]
    fn a_service_that_was_switched_and_comes_by_another_transport_keeps_nobody_unready() {
        let health = Health::default();
        health.compare_mode(Service::Commission, Mode::Hybrid, Mode::Http);
        assert_eq!(health.disagreements().len(), 1);
        // Commission runs in hybrid mode now and sends by the broker: it never says so here.
        assert!(health.disagreements_within(Duration::ZERO).is_empty());
    }
}
