//! A moment, as a number.

use serde::{Deserialize, Serialize};

use crate::plan::Invalid;

/// Microseconds since 1970 in UTC. Text and calendars belong to the edges.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// How far two clocks may be apart, in seconds: a client's, a shop's or another service's may be so far ahead of ours, or behind.
pub const MAX_CLOCK_SKEW_SECONDS: i64 = 5 * 60;

const PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01 and 10000-01-01.
const FIRST: i64 = -62_135_596_800_000_000;
const END: i64 = 253_402_300_800_000_000;

impl Micros {
    /// Those of a day of 24 hours.
    pub const PER_DAY: i64 = SECONDS_PER_DAY * PER_SECOND;

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// So many microseconds later; `None` beyond the end of time.
    pub const fn checked_add_micros(self, micros: i64) -> Option<Self> {
        match self.0.checked_add(micros) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// So many seconds later; `None` beyond the end of time.
    pub const fn checked_add_seconds(self, seconds: i64) -> Option<Self> {
        match seconds.checked_mul(PER_SECOND) {
            Some(micros) => self.checked_add_micros(micros),
            None => None,
        }
    }

    /// So many days of 24 hours later; `None` beyond the end of time.
    pub const fn checked_add_days(self, days: i64) -> Option<Self> {
        match days.checked_mul(SECONDS_PER_DAY) {
            Some(seconds) => self.checked_add_seconds(seconds),
            None => None,
        }
    }

    /// The microseconds from `earlier` to this; negative when `earlier` is the later one.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A moment of the years 1 to 9999, if there is one: RFC 3339 can write no other.
pub fn check_time(micros: impl Into<Option<Micros>>) -> Result<(), Invalid> {
    let fits = |it: Micros| (FIRST..END).contains(&it.0);
    let fits = micros.into().is_none_or(fits);
    fits.then_some(())
        .ok_or(Invalid("must be in the years 1 to 9999"))
}
