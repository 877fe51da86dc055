//! The two times of a process. [`now`] is the time by which services decide: on a developer's machine the test clock moves it.
//! [`real`] is what the machine's clock says: tokens, signatures between services, and what the process itself measures, have that.
//!
//! Where the test clock stands is a database's: `pipeline.log_head`. A process of a service follows it, and nothing else in a
//! program does; until [`follow`] was called, both times are the same.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Micros;

static FOLLOWS: AtomicBool = AtomicBool::new(false);
static OFFSET: AtomicI64 = AtomicI64::new(0);
static FLOOR: AtomicI64 = AtomicI64::new(0);

const SECOND: i64 = 1_000_000;
/// The test clock goes ten years at most, either way.
pub const MAX_OFFSET_SECONDS: i64 = 3_650 * 86_400;

/// The time by which is decided, in UTC. It is taken at edges; what decides is handed it.
pub fn now() -> Micros {
    let moved = real().0.saturating_add(OFFSET.load(Ordering::Relaxed));
    Micros(moved.max(FLOOR.load(Ordering::Relaxed)))
}

/// What this machine's clock says, in UTC.
pub fn real() -> Micros {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// When, by this machine's clock, a moment of the other time was.
pub fn real_of(decided: Micros) -> Micros {
    let ago = now().micros_since(decided);
    Micros(real().0.saturating_sub(ago))
}

/// How far the test clock is ahead.
pub fn offset() -> Offset {
    Offset(OFFSET.load(Ordering::Relaxed))
}

/// From here on this process goes by its database's test clock.
pub fn follow() {
    FOLLOWS.store(true, Ordering::Relaxed);
}

/// Takes over where the database's test clock stands, and the log's last time, before which nothing is decided. A program that
/// does not follow one, as a test with services of many databases, goes on as it was.
pub fn moved(offset: Offset, last_time: Micros) {
    if FOLLOWS.load(Ordering::Relaxed) {
        OFFSET.store(offset.0, Ordering::Relaxed);
        FLOOR.store(last_time.0, Ordering::Relaxed);
    }
}

/// How far a clock is moved, in microseconds. As text: `14d`, `-90d`, `36h`, `10m`, `30s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub i64);

impl Offset {
    /// So many seconds; `None` beyond [`MAX_OFFSET_SECONDS`].
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let within = (-MAX_OFFSET_SECONDS..=MAX_OFFSET_SECONDS).contains(&seconds);
        within.then_some(Self(seconds.saturating_mul(SECOND)))
    }

    /// Whole seconds.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }
}

/// What is no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number with s, m, h or d behind it, such as 14d, of at most ten years")]
pub struct OffsetError;

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, OffsetError> {
        let (number, seconds) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            .ok_or(OffsetError)?;
        let number: i64 = number.parse().map_err(|_| OffsetError)?;
        number
            .checked_mul(seconds)
            .and_then(Self::of_seconds)
            .ok_or(OffsetError)
    }
}

/// As a person reads it: `+14 days`, `-89 days 23 h`, `+10 min`, `0`.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.unsigned_abs() / SECOND.unsigned_abs();
        let days = seconds / 86_400;
        let of_days = if days == 1 { "day" } else { "days" };
        let parts = [
            (days, of_days),
            (seconds / 3_600 % 24, "h"),
            (seconds / 60 % 60, "min"),
            (seconds % 60, "s"),
        ];
        let shown: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number} {unit}"))
            .collect();
        if shown.is_empty() {
            return f.write_str("0");
        }
        let sign = if self.0 < 0 { "-" } else { "+" };
        write!(f, "{sign}{}", shown.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_read_with_its_unit_and_shown_as_a_person_says_it() {
        for (text, seconds, shown) in [
            ("14d", 1_209_600, "+14 days"),
            ("-90d", -7_776_000, "-90 days"),
            ("25h", 90_000, "+1 day 1 h"),
            ("10m", 600, "+10 min"),
            ("61s", 61, "+1 min 1 s"),
            ("0s", 0, "0"),
        ] {
            let offset: Offset = text.parse().unwrap();
            assert_eq!((offset.seconds(), &*offset.to_string()), (seconds, shown));
        }
        for none in [
            "",
            "d",
            "14",
            "1.5d",
            "14w",
            "3651d",
            "-3651d",
            "9223372036854775807d",
        ] {
            assert_eq!(none.parse::<Offset>(), Err(OffsetError), "{none}");
        }
    }

    /// The only test of this program that lets it follow a clock.
    #[test]
    fn a_process_goes_by_the_clock_that_it_follows_and_real_time_stays() {
        let moved_by = Offset::of_seconds(86_400).unwrap();
        moved(moved_by, Micros(0));
        assert_eq!(offset(), Offset(0), "nothing is followed yet");
        follow();
        moved(moved_by, Micros(0));
        let ahead = now().micros_since(real());
        assert!(
            (86_399 * SECOND..=86_400 * SECOND).contains(&ahead),
            "{ahead}"
        );
        let of_now = real_of(now()).micros_since(real()).abs();
        assert!(of_now < SECOND, "{of_now}");
        // After a reset the time stands still until it is where the log ended.
        let end = Micros(real().0 + 86_400 * SECOND);
        moved(Offset(0), end);
        assert_eq!((now(), offset()), (end, Offset(0)));
        moved(Offset(0), Micros(0));
    }
}
