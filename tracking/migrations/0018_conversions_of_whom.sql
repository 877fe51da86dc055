-- Lists of one partner, brand, campaign or order here are few beside what is recorded: ranges of pages are summarised in the background,
-- as the log's are, so that a conversion that is recorded costs them nothing.
drop index conversions_by_partner;
drop index conversions_by_brand;
create index conversions_of_whom on conversions using brin (
    partner_id text_bloom_ops (n_distinct_per_range = 500, false_positive_rate = 0.001),
    brand_id text_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001),
    campaign_id text_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001),
    order_id text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001)
) with (pages_per_range = 32, autosummarize = off);
