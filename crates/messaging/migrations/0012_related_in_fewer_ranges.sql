-- Each range's two filters have room for a thousand values, and rows of 32 pages are a third of that: a look at five million messages read
-- 60 MB of filters. The rows of 80 pages fill them.
drop index pipeline.message_log_related;
create index message_log_related on pipeline.message_log using brin (
    correlation_id uuid_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001),
    subject text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001)
) with (pages_per_range = 80, autosummarize = off);
