//! What each metric of the acts shows, for its HELP line. `docs/observing.md` says more.

/// Names and texts.
pub const METRICS: &[(&str, &str)] = &[
    (
        "tributary_archive_to",
        "The log is archived below this position",
    ),
    (
        "tributary_archived_messages_total",
        "Messages written to the archive",
    ),
    (
        "tributary_log_dropped_to",
        "The log's tables begin at this position",
    ),
];
