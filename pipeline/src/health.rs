//! Whether each road was opened, which proves that what it needs is provisioned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::{Service, Topic};
use tokio::time::Instant;

use crate::mode::Mode;

/// A disagreement that was not heard of again for so long is over.
const DISAGREES_FOR: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Default)]
struct Road {
    opened_once: bool,
    error: Option<String>,
}

/// The roads of one process, shared by all that travel them.
#[derive(Debug, Clone, Default)]
pub struct Health {
    roads: Arc<Mutex<BTreeMap<String, Road>>>,
    disagreements: Arc<Mutex<BTreeMap<&'static str, (String, Instant)>>>,
    stops: Arc<Mutex<BTreeMap<String, String>>>,
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

    /// Streams that stand still until an operator acts, and why.
    pub fn stops(&self) -> Vec<(String, String)> {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.clone().into_iter().collect()
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
            };
        }
    }

    /// Tells why a road is not open.
    pub fn failed(&self, road: &str, topic: Topic, partition: i32, error: &str) {
        if let Some(road) = self.lock().get_mut(&Self::name(road, topic, partition)) {
            road.error = Some(error.chars().take(300).collect());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_was_switched_and_comes_by_another_road_keeps_nobody_unready() {
        let health = Health::default();
        health.compare_mode(Service::Commission, Mode::Hybrid, Mode::Http);
        assert_eq!(health.disagreements().len(), 1);
        // Commission runs in hybrid mode now and sends by the broker: it never says so here.
        assert!(health.disagreements_within(Duration::ZERO).is_empty());
    }
}
