//! RFC 3339 at the edge; microseconds inside.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{MAX_CLOCK_SKEW_SECONDS, Micros, check_time};
use utoipa::ToSchema;

use crate::problem::Fields;

/// A text that is no RFC 3339 moment of the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2026-11-20T09:00:00Z")]
pub struct TimeError;

/// A moment in a body or a query, as RFC 3339; written in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-20T09:00:00Z")]
pub struct Timestamp(pub Micros);

/// A text that is no day of the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2026-11-20")]
pub struct DayError;

/// A day in UTC, as days since 1970-01-01; in a query or an answer as RFC 3339's full date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = Date, example = "2026-11-20")]
pub struct Day(pub i64);

/// Microseconds in a quarter of an hour: days begin at one, in every time zone that there is today.
pub const QUARTER_HOUR: i64 = 900_000_000;

/// Quarters of an hour in a day.
pub const QUARTERS_OF_DAY: i64 = Day::MICROS / QUARTER_HOUR;

/// Which sums make up the spans between some moments: of whole days in UTC, and of quarters of an hour where a span begins or ends within a day.
#[derive(Debug, PartialEq, Eq)]
pub struct Pieces {
    /// From this day on, and before the other.
    pub days: (i64, i64),
    /// But none of these.
    pub broken: Vec<i64>,
    /// From these quarters of an hour on, and each before the other.
    pub quarters: Vec<(i64, i64)>,
}

impl Pieces {
    /// Of the spans that each begin at one of these moments, in microseconds, and end at the next. `None` where one begins within a quarter of an
    /// hour.
    pub fn of(boundaries: &[i64]) -> Option<Self> {
        let (first, last) = (*boundaries.first()?, *boundaries.last()?);
        if boundaries.iter().any(|at| at % QUARTER_HOUR != 0) {
            return None;
        }
        let mut broken: Vec<i64> = boundaries
            .iter()
            .filter(|at| *at % Day::MICROS != 0)
            .map(|at| at.div_euclid(Day::MICROS))
            .collect();
        broken.dedup();
        let mut quarters: Vec<(i64, i64)> = Vec::new();
        for day in &broken {
            let from = (day * QUARTERS_OF_DAY).max(first / QUARTER_HOUR);
            let to = ((day + 1) * QUARTERS_OF_DAY).min(last / QUARTER_HOUR);
            match quarters.last_mut() {
                Some((_, end)) if *end == from => *end = to,
                _ => quarters.push((from, to)),
            }
        }
        Some(Self {
            days: (first.div_euclid(Day::MICROS), last.div_euclid(Day::MICROS)),
            broken,
            quarters,
        })
    }
}

impl Day {
    /// Microseconds in one.
    pub const MICROS: i64 = Micros::PER_DAY;

    /// The one that a moment is in.
    pub fn of(moment: Micros) -> Self {
        Self(moment.0.div_euclid(Self::MICROS))
    }

    /// When it begins.
    pub fn start(self) -> Micros {
        Micros(self.0.saturating_mul(Self::MICROS))
    }

    /// When the next one begins.
    pub fn end(self) -> Micros {
        Self(self.0.saturating_add(1)).start()
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| DayError)?;
        let start = date.and_time(chrono::NaiveTime::MIN).and_utc();
        let start = Micros(start.timestamp_micros());
        // The parser takes 2026-1-2 and years of five digits, too.
        let day = Self::of(start);
        if check_time(start).is_ok() && day.to_string() == text {
            return Ok(day);
        }
        Err(DayError)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = to_rfc3339(self.start());
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The clock, for edges only: what decides is handed its time.
pub use types::clock::{now, real};

/// Reads any offset; digits beyond microseconds are cut off.
pub fn parse_rfc3339(text: &str) -> Result<Micros, TimeError> {
    let moment = DateTime::parse_from_rfc3339(text)
        .map_err(|_| TimeError)?
        .to_utc();
    let micros = Micros(moment.timestamp_micros());
    check_time(micros).map_err(|_| TimeError)?;
    Ok(micros)
}

/// In UTC with as many decimals as it has: none, 3 or 6. A moment outside the years 1 to 9999,
/// which no edge lets in, gives an empty text.
pub fn to_rfc3339(micros: Micros) -> String {
    let moment = DateTime::<Utc>::from_timestamp_micros(micros.0);
    moment.map_or_else(String::new, |moment| {
        moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    })
}

/// Refuses a claimed moment that is more than five minutes ahead of `now`.
pub fn refuse_future(fields: &mut Fields, pointer: &'static str, claimed: Micros, now: Micros) {
    let latest = now
        .checked_add_seconds(MAX_CLOCK_SKEW_SECONDS)
        .unwrap_or(Micros(i64::MAX));
    fields.require(
        claimed <= latest,
        pointer,
        "must not be more than 5 minutes ahead",
    );
}

impl From<Micros> for Timestamp {
    fn from(micros: Micros) -> Self {
        Self(micros)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_rfc3339(&String::deserialize(deserializer)?)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_rfc3339(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_any_offset_and_written_in_utc() {
        let micros = parse_rfc3339("2026-11-20T10:00:00.000123+01:00").unwrap();
        assert_eq!(to_rfc3339(micros), "2026-11-20T09:00:00.000123Z");
        assert_eq!(to_rfc3339(Micros(0)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T09:00:00",
            "2026-13-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn five_minutes_ahead_pass_and_more_do_not() {
        let ahead = |seconds: i64| {
            let mut fields = Fields::new();
            refuse_future(
                &mut fields,
                "/occurred_at",
                Micros(seconds * 1_000_000),
                Micros(0),
            );
            fields.finish().is_ok()
        };
        assert!(ahead(300));
        assert!(!ahead(301));
    }
}
