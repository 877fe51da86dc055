//! Waiting longer after each failure, and never in step with others that fail for the same reason.

use std::time::Duration;

use uuid::Uuid;

/// How long to wait next: doubling from the first to the longest, each up to a quarter more or less.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// From the first wait to the longest.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// How long to wait this time.
    pub fn wait(&mut self) -> Duration {
        let wait = spread(self.next, Uuid::new_v4().as_bytes()[0]);
        self.next = (self.next * 2).min(self.longest);
        wait
    }

    /// What failed went well again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// From three quarters to five quarters of a time, by a byte.
fn spread(time: Duration, byte: u8) -> Duration {
    time * 3 / 4 + time / 2 * u32::from(byte) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_when_it_went_well() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, longest);
        for doubled in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let (wait, base) = (backoff.wait(), Duration::from_millis(doubled));
            assert!(wait >= base * 3 / 4 && wait <= base * 5 / 4, "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= first * 5 / 4);
    }

    #[test]
    fn a_wait_is_spread_over_half_of_itself() {
        let time = Duration::from_secs(4);
        assert_eq!(spread(time, 0), Duration::from_secs(3));
        assert_eq!(spread(time, 255), Duration::from_secs(5));
    }
}
