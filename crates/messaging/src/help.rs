//! What each metric of the pipeline shows, for its HELP line. `docs/observing.md` says more.

/// Names and texts.
pub const METRICS: &[(&str, &str)] = &[
    (
        "tributary_messages_total",
        "Messages handled, by kind and result",
    ),
    ("tributary_batch_size", "Messages in one transaction"),
    (
        "tributary_batch_seconds",
        "Time from taking a batch to its commit",
    ),
    (
        "tributary_batches_waiting",
        "1 while the database cannot take a batch",
    ),
    (
        "tributary_database_away",
        "1 while the database does not answer this process",
    ),
    (
        "tributary_retries_total",
        "Transactions tried again because the database could not take them",
    ),
    (
        "tributary_follower_behind_total",
        "How often a backlog of commands was found ahead of a follower, for which it then rests",
    ),
    (
        "tributary_relay_lag_seconds",
        "How long the oldest message that has not left has waited; 0 where nothing is relayed",
    ),
    (
        "tributary_relay_lag_messages",
        "Messages that have not left, up to an entry's 500",
    ),
    (
        "tributary_relay_errors_total",
        "Times that a relay had to begin anew",
    ),
    (
        "tributary_transport_open",
        "1 while the transport to the broker or a follower, or a subscription, is open, or is another process's",
    ),
    (
        "tributary_watermark_lag_seconds",
        "How old the newest message was when it was handled; 0 once nothing was for a minute",
    ),
    (
        "tributary_consumer_restarts_total",
        "Subscriptions opened anew",
    ),
    (
        "tributary_stream_gaps_total",
        "Holes found before a message",
    ),
    (
        "tributary_open_stream_gaps",
        "Streams that stand at a hole now",
    ),
    (
        "tributary_resends_asked_total",
        "Times that a source was asked to send again",
    ),
    (
        "tributary_relay_resends_total",
        "Times that a follower was sent to again because it asked",
    ),
    (
        "tributary_unauthenticated_messages_total",
        "Messages that nobody known signed: they had no effect",
    ),
    (
        "tributary_undecodable_entries_total",
        "Entries of the broker's that were passed over or taken out because they cannot be taken apart",
    ),
    (
        "tributary_stopped_streams",
        "Streams that an operator has to look at",
    ),
    (
        "tributary_stream_stops_total",
        "Times that a stream was halted for an operator",
    ),
    (
        "tributary_facts_dead_lettered_total",
        "Facts that became dead letters when they came, since they cannot be used",
    ),
    (
        "tributary_parked_messages",
        "Messages in the retry queue, by state",
    ),
    (
        "tributary_parked_oldest_seconds",
        "Since when the oldest message is in the retry queue, by state",
    ),
];
