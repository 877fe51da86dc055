//! What strangers can make us write: a few answers and log lines a second, however much they send.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemas::Topic;

/// A process writes a refusal of a stranger's so often, and so many at once after a pause.
const ANSWER_EVERY: Duration = Duration::from_millis(200);
const ANSWERS_AT_ONCE: u32 = 20;
/// Log lines about strangers are at least so far apart.
const LINES: Duration = Duration::from_secs(30);

/// So many at once after a pause, and else one a time.
#[derive(Debug)]
pub(crate) struct Allowance {
    every: Duration,
    at_once: u32,
    /// When all that was taken would have been, one after the other.
    spent_until: Instant,
}

impl Allowance {
    pub(crate) fn new(every: Duration, at_once: u32) -> Self {
        Self {
            every,
            at_once,
            spent_until: Instant::now(),
        }
    }

    /// Whether one is left.
    pub(crate) fn is_left(&self, now: Instant) -> bool {
        self.spent_until.max(now) - now <= self.every * (self.at_once - 1)
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let any = self.is_left(now);
        if any {
            self.spent_until = self.spent_until.max(now) + self.every;
        }
        any
    }
}

#[derive(Debug)]
struct State {
    answers: Allowance,
    logged: Option<Instant>,
    unlogged: u64,
}

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget(Mutex<State>);

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(State {
            answers: Allowance::new(ANSWER_EVERY, ANSWERS_AT_ONCE),
            logged: None,
            unlogged: 0,
        }))
    }
}

impl Budget {
    /// Takes one answer, if one is left.
    pub(super) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.answers.take(now)
    }

    /// Says now and then in the log that there are strangers.
    pub(super) fn log(&self, topic: Topic, source: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.unlogged += 1;
        let now = Instant::now();
        if state.logged.is_some_and(|logged| now - logged < LINES) {
            return;
        }
        state.logged = Some(now);
        let messages = std::mem::take(&mut state.unlogged);
        tracing::warn!(
            topic = topic.name(),
            source,
            messages,
            "messages that nobody known signed had no effect: see docs/runbooks/unauthenticated.md"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_answered_a_few_times_a_second() {
        let budget = Budget::default();
        let start = Instant::now();
        let answered = |second: u64| {
            let at = start + Duration::from_secs(second);
            (0..1_000).filter(|_| budget.take_at(at)).count()
        };
        assert_eq!(answered(0), 20);
        assert_eq!(answered(1), 5);
        assert_eq!(answered(3), 10);
        assert_eq!(answered(3_600), 20, "no more than that is saved up");
    }
}
