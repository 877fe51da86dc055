//! Days of a time zone, by the clock that its people have: a day may have 23 or 25 hours, and once had none.

use std::str::FromStr;

use chassis::time::Day;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use types::Micros;

/// Minutes that no clock has left out at once, and more: Samoa had no 30 December 2011.
const MAX_LEFT_OUT: i64 = 26 * 60;

/// A time zone by its name in the IANA's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Zone {
    /// Such as `Europe/Vienna`.
    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The day that a moment is in.
    pub(crate) fn day_of(self, moment: Micros) -> Day {
        let utc = chrono::DateTime::from_timestamp_micros(moment.get()).unwrap_or_default();
        let date = utc.with_timezone(&self.0).date_naive();
        Day(date.signed_duration_since(NaiveDate::default()).num_days())
    }

    /// When a day begins: at midnight, or the first moment after it that its clocks show. `None` beyond the calendar.
    pub(crate) fn start_of(self, day: Day) -> Option<Micros> {
        let days = TimeDelta::try_days(day.0)?;
        let midnight = NaiveDateTime::default().checked_add_signed(days)?;
        let start = (0..=MAX_LEFT_OUT).find_map(|minutes| {
            let local = midnight.checked_add_signed(TimeDelta::try_minutes(minutes)?)?;
            self.0.from_local_datetime(&local).earliest()
        })?;
        Some(Micros(start.timestamp_micros()))
    }
}

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zone = text.parse().map(Self);
        zone.map_err(|_| "must be a time zone of the IANA's database, such as Europe/Vienna")
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn hours(zone: &str, day: &str) -> i64 {
        let (zone, day): (Zone, Day) = (zone.parse().unwrap(), day.parse().unwrap());
        let (start, end) = (zone.start_of(day), zone.start_of(Day(day.0 + 1)));
        (end.unwrap().0 - start.unwrap().0) / HOUR
    }

    #[test]
    fn a_day_has_as_many_hours_as_its_people_have() {
        for (zone, day, expected) in [
            ("UTC", "2026-03-29", 24),
            ("Europe/Vienna", "2026-03-28", 24),
            ("Europe/Vienna", "2026-03-29", 23),
            ("Europe/Vienna", "2026-10-25", 25),
            // Its clocks go forward at midnight, so that the day begins at one.
            ("Africa/Cairo", "2026-04-24", 23),
            ("Pacific/Apia", "2011-12-29", 24),
            ("Pacific/Apia", "2011-12-30", 0),
        ] {
            assert_eq!(hours(zone, day), expected, "{zone} {day}");
        }
    }

    #[test]
    fn a_moment_is_in_the_day_whose_start_is_not_after_it() {
        for zone in ["UTC", "Europe/Vienna", "Africa/Cairo", "Asia/Kathmandu"] {
            let zone: Zone = zone.parse().unwrap();
            for day in ["1970-01-01", "2026-03-29", "2026-04-24", "2026-10-25"] {
                let day: Day = day.parse().unwrap();
                let start = zone.start_of(day).unwrap();
                assert_eq!(zone.day_of(start), day);
                assert_eq!(zone.day_of(Micros(start.0 - 1)), Day(day.0 - 1));
            }
        }
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in ["", "CEST", "Europe/Nowhere", "UTC+2", "europe/vienna"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }
}
