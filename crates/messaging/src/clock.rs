//! The only place that reads the clock: edges take their time from here, everything below has it passed in.

use std::time::{SystemTime, UNIX_EPOCH};

use types::Micros;

/// Now, in UTC.
pub fn now() -> Micros {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
