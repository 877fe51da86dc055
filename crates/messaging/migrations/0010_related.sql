-- Finds the messages of a correlation id, or about a subject, without an index entry for each row: a row that is inserted into pages
-- that are not summarised yet costs next to nothing, and the leader summarises whole ranges in the background.
create index message_log_related on pipeline.message_log using brin (
    correlation_id uuid_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001),
    subject text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001)
) with (pages_per_range = 32, autosummarize = off);

-- The retry queue by the request that led to it: off the way of a message that is handled.
create index parked_by_correlation on pipeline.parked ((header::json ->> 'correlationid'));
