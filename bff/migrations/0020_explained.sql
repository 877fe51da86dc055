-- Conversions by their click: summarised in the background, as the log is, so that a conversion that is recorded costs it nothing.
create index conversions_by_click on conversions using brin (click_id text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001))
    with (pages_per_range = 32, autosummarize = off);
-- Claims are few.
create index claims_by_order on claims (order_id) where order_id is not null;
create index claims_by_click on claims (click_id);
create index claims_by_conversion on claims (conversion_id) where conversion_id is not null;
