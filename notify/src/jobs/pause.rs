//! What is not done again before a while is over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A while in which something is not done again.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// It lasts so long from now on.
    pub(super) fn begin(&self, now: Instant, lasting: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + lasting);
    }

    /// Whether it goes on.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_begins_when_it_is_begun_and_ends_when_it_is_over() {
        let (pause, now) = (Pause::default(), Instant::now());
        assert!(!pause.goes_on(now));
        let minute = Duration::from_mins(1);
        pause.begin(now, minute);
        assert!(pause.goes_on(now) && pause.goes_on(now + minute - Duration::from_secs(1)));
        assert!(!pause.goes_on(now + minute));
    }
}
