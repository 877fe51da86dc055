//! A month of the calendar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Micros;

/// A text that is no month of the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a month such as 2026-11")]
pub struct InvalidMonth;

/// A month in UTC of the years 1 to 9999, written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i64,
    /// From 1.
    month: i64,
}

/// From 0000-03-01, where the algorithms count from, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

impl Month {
    /// The one that a moment is in; `None` outside the years 1 to 9999.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    pub fn of(moment: Micros) -> Option<Self> {
        let days = moment.0.div_euclid(Micros::PER_DAY) + DAYS_TO_1970;
        let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self::new(year + era * 400 + i64::from(month <= 2), month)
    }

    fn new(year: i64, month: i64) -> Option<Self> {
        let is_one = (1..=9999).contains(&year) && (1..=12).contains(&month);
        is_one.then_some(Self { year, month })
    }

    /// When it begins.
    pub const fn start(self) -> Micros {
        first_of(self.year, self.month)
    }

    /// When the next one begins.
    pub const fn end(self) -> Micros {
        match self.month {
            12 => first_of(self.year + 1, 1),
            month => first_of(self.year, month + 1),
        }
    }
}

/// Source: as above, `days_from_civil`.
const fn first_of(year: i64, month: i64) -> Micros {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day = of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5;
    Micros((era * DAYS_PER_ERA + day - DAYS_TO_1970) * Micros::PER_DAY)
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidMonth);
        let month = Self::new(number(year)?, number(month)?).ok_or(InvalidMonth)?;
        // Signs and further or fewer zeros are read, too.
        if month.to_string() == text {
            Ok(month)
        } else {
            Err(InvalidMonth)
        }
    }
}

impl TryFrom<String> for Month {
    type Error = InvalidMonth;

    fn try_from(text: String) -> Result<Self, InvalidMonth> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InvalidMonth, Month};
    use crate::Micros;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_month_begins_and_ends_where_the_calendar_says() {
        // date -u -d 2024-02-01 +%s, and so on.
        for (text, start, end) in [
            ("1970-01", 0, 2_678_400),
            ("2024-02", 1_706_745_600, 1_709_251_200),
            ("2026-02", 1_769_904_000, 1_772_323_200),
            ("2026-12", 1_796_083_200, 1_798_761_600),
            ("1900-02", -2_206_310_400, -2_203_891_200),
        ] {
            let month: Month = text.parse().unwrap();
            assert_eq!(month.start(), Micros(start * SECOND), "{text}");
            assert_eq!(month.end(), Micros(end * SECOND), "{text}");
            assert_eq!(month.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "+026-01",
            "0000-01",
            "10000-01",
            "2026-11-01",
            "2026-+1",
            " 2026-11",
        ] {
            assert_eq!(text.parse::<Month>(), Err(InvalidMonth), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_in_one_month(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let moment = Micros(micros);
            let month = Month::of(moment).unwrap();
            prop_assert!(month.start() <= moment && moment < month.end());
            prop_assert_eq!(Month::of(month.start()), Some(month));
            prop_assert_eq!(month.to_string().parse(), Ok(month));
        }

        #[test]
        fn no_moment_is_too_far_away(micros in any::<i64>()) {
            let in_range = (-62_135_596_800_000_000..253_402_300_800_000_000).contains(&micros);
            prop_assert_eq!(Month::of(Micros(micros)).is_some(), in_range);
        }
    }
}
