//! Whom the broker feeds: it sorts the consumers of a subscription by priority, the smallest first, and then by name, and takes
//! among those of the first priority the one at the partition's number. So whoever is there longest keeps the partition, and
//! one that starts or opens anew takes it from nobody.

use schemas::Service;
use uuid::Uuid;

use crate::clock;

/// 2026-01-01: consumers are sorted by when they were opened, in seconds since then, which fit the protocol's number.
const SENIOR: i64 = 1_767_225_600;

/// What a consumer that opens now is sorted by first.
pub(super) fn priority() -> i32 {
    let seconds = clock::real().0 / 1_000_000 - SENIOR;
    i32::try_from(seconds.max(0)).unwrap_or(i32::MAX)
}

/// Sorts by age too, among those of one second.
pub(super) fn name(follower: Service) -> String {
    format!("{}-{}", follower.name(), Uuid::now_v7())
}
