//! How stored values are shown.

use chassis::time::Timestamp;
use types::{Currency, Micros, Money};

/// Decimal text with the currency's digits. A currency that this build does not know shows minor units.
pub(super) fn amount(minor: i64, currency: &str) -> String {
    Currency::parse(currency).map_or_else(
        |_| minor.to_string(),
        |currency| Money::new(minor, currency).to_string(),
    )
}

/// A stored moment.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp(Micros(micros))
}
