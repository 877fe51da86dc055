//! Whether each road was opened, which proves that what it needs is provisioned.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use money::Micros;
use schemas::{Service, Topic};
use tokio::time::Instant;

use crate::clock;
use crate::gap::Gap;
use crate::gap::claims::Claims;
use crate::inbound::StreamId;
use crate::mode::Mode;

/// A disagreement that was not heard of again for so long is over.
const DISAGREES_FOR: Duration = Duration::from_secs(15);
/// Gaps that are told at once: where more stand, these say enough.
const MOST_GAPS: usize = 64;

#[derive(Debug, Clone, Default)]
struct Road {
    opened_once: bool,
    error: Option<String>,
    /// When it failed first since it was open last.
    since: Option<Micros>,
}

/// Something that waits for what it depends on, and tries again with backoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// What waits: a road, or `batches`.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Micros,
}

/// A gap, and what its source says of sending again.
#[derive(Debug, Clone)]
struct ToldGap {
    expected: i64,
    source_says: Option<String>,
}

/// The roads of one process, shared by all that travel them.
#[derive(Debug, Clone, Default)]
pub struct Health {
    roads: Arc<Mutex<BTreeMap<String, Road>>>,
    disagreements: Arc<Mutex<BTreeMap<&'static str, (String, Instant)>>>,
    stops: Arc<Mutex<BTreeMap<String, String>>>,
    gaps: Arc<Mutex<HashMap<StreamId, ToldGap>>>,
    batches: Arc<Mutex<Option<Paused>>>,
    /// What nobody known signed.
    pub(crate) claims: Claims,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Road>> {
        self.roads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what another service says of its mode in a handshake with what this process was told.
    pub(crate) fn compare_mode(&self, other: Service, told: Mode, says: Mode) {
        let mut known = self
            .disagreements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told == says {
            known.remove(other.name());
        } else {
            let text = format!(
                "{} runs in {says} mode, this process was told {told}",
                other.name()
            );
            known.insert(other.name(), (text, Instant::now()));
        }
    }

    /// Services whose mode is not what this process was told. One that has not said so for a while was switched since,
    /// and now reaches this process by another road.
    pub fn disagreements(&self) -> Vec<String> {
        self.disagreements_within(DISAGREES_FOR)
    }

    fn disagreements_within(&self, lately: Duration) -> Vec<String> {
        let mut known = self
            .disagreements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, told)| told.elapsed() < lately);
        known.values().map(|(text, _)| text.clone()).collect()
    }

    /// A stream stands still until an operator acts.
    pub(crate) fn stopped(&self, road: &str, topic: Topic, partition: i32, reason: &str) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.insert(Self::name(road, topic, partition), reason.to_owned());
    }

    pub(crate) fn goes_on(&self, road: &str, topic: Topic, partition: i32) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if !stops.is_empty() {
            stops.remove(&Self::name(road, topic, partition));
        }
    }

    fn lock_gaps(&self) -> MutexGuard<'_, HashMap<StreamId, ToldGap>> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A gap stands. True when that was not told before.
    pub(crate) fn gap_stands(&self, gap: &Gap) -> bool {
        let mut gaps = self.lock_gaps();
        let known = gaps.get(&gap.stream).map(|told| told.expected);
        let full = known.is_none() && gaps.len() >= MOST_GAPS;
        if full || known == Some(gap.expected) {
            return false;
        }
        let told = ToldGap {
            expected: gap.expected,
            source_says: None,
        };
        gaps.insert(gap.stream.clone(), told);
        true
    }

    /// What became of asking the source to send again.
    pub(crate) fn source_says(&self, gap: &Gap, what: String) {
        if let Some(told) = self.lock_gaps().get_mut(&gap.stream) {
            told.source_says = Some(what);
        }
    }

    pub(crate) fn gap_closed(&self, stream: &StreamId) {
        self.lock_gaps().remove(stream);
    }

    /// Gaps that stand, as far as this process knows: [`crate::gap::judge`] asks the database.
    pub fn gaps(&self) -> Vec<Gap> {
        let gaps = self.lock_gaps();
        let gaps = gaps.iter().map(|(stream, told)| Gap {
            stream: stream.clone(),
            expected: told.expected,
        });
        gaps.collect()
    }

    /// Streams that stand still, and why: until an operator acts, or for a gap until what is missing came.
    pub fn stops(&self) -> Vec<(String, String)> {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stops: Vec<_> = stops.clone().into_iter().collect();
        for (stream, told) in self.lock_gaps().iter() {
            let name = Self::name("subscription", stream.topic, stream.partition);
            stops.push((name, told.reason(stream)));
        }
        stops
    }

    fn name(road: &str, topic: Topic, partition: i32) -> String {
        format!("{road} {}/{partition}", topic.name())
    }

    /// A road that this process needs before it is ready.
    pub fn expect(&self, road: &str, topic: Topic, partition: i32) {
        self.lock()
            .entry(Self::name(road, topic, partition))
            .or_default();
    }

    pub(crate) fn opened(&self, road: &str, topic: Topic, partition: i32) {
        if let Some(road) = self.lock().get_mut(&Self::name(road, topic, partition)) {
            *road = Road {
                opened_once: true,
                error: None,
                since: None,
            };
        }
    }

    /// Tells why a road is not open.
    pub fn failed(&self, road: &str, topic: Topic, partition: i32, error: &str) {
        if let Some(road) = self.lock().get_mut(&Self::name(road, topic, partition)) {
            road.error = Some(error.chars().take(300).collect());
            road.since.get_or_insert_with(clock::now);
        }
    }

    /// A road that this process travels no more: another one does now.
    pub(crate) fn left(&self, road: &str, topic: Topic, partition: i32) {
        if let Some(road) = self.lock().get_mut(&Self::name(road, topic, partition)) {
            road.error = None;
            road.since = None;
        }
        self.goes_on(road, topic, partition);
    }

    /// Every road, and whether it is open.
    pub(crate) fn roads(&self) -> Vec<(String, bool)> {
        let roads = self.lock();
        let open = |road: &Road| road.opened_once && road.error.is_none();
        roads
            .iter()
            .map(|(name, road)| (name.clone(), open(road)))
            .collect()
    }

    /// The database cannot take a batch now: nothing is handled until it can.
    pub(crate) fn batches_wait(&self, reason: &str) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let since = batches
            .as_ref()
            .map_or_else(clock::now, |paused| paused.since);
        *batches = Some(Paused {
            name: "batches".to_owned(),
            reason: reason.chars().take(300).collect(),
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

    /// Roads that were open and are not now: outages that the process outlives.
    pub fn paused(&self) -> Vec<Paused> {
        let roads = self.lock();
        let paused = roads.iter().filter(|(_, road)| road.opened_once);
        paused
            .filter_map(|(name, road)| {
                Some(Paused {
                    name: name.clone(),
                    reason: road.error.clone()?,
                    since: road.since?,
                })
            })
            .collect()
    }

    /// Roads that were never open since the start, with their last error. One that was, and is not now, is an outage
    /// that the process outlives, so it does not count.
    pub fn never_opened(&self) -> Vec<(String, String)> {
        self.lock()
            .iter()
            .filter(|(_, road)| !road.opened_once)
            .map(|(name, road)| {
                let error = road.error.as_deref().unwrap_or("is being opened");
                (name.clone(), error.to_owned())
            })
            .collect()
    }
}

impl ToldGap {
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
        health.stopped("http:payment", Topic::CommissionEvents, 0, "it is ahead");
        assert_eq!(health.stops().len(), 1);
        health.left("http:payment", Topic::CommissionEvents, 0);
        assert_eq!(health.stops(), Vec::new());
    }

    #[test]
    fn a_service_that_was_switched_and_comes_by_another_road_keeps_nobody_unready() {
        let health = Health::default();
        health.compare_mode(Service::Commission, Mode::Hybrid, Mode::Http);
        assert_eq!(health.disagreements().len(), 1);
        // Commission runs in hybrid mode now and sends by the broker: it never says so here.
        assert!(health.disagreements_within(Duration::ZERO).is_empty());
    }
}
