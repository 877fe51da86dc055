-- Lists of one partner, brand or campaign here are few beside what is calculated: ranges of pages are summarised in the background, as the
-- log's are, so that a commission that is calculated costs them nothing.
drop index commissions_by_partner;
drop index commissions_by_brand;
drop index commissions_by_campaign;
create index commissions_of_whom on commissions using brin (
    partner_id text_bloom_ops (n_distinct_per_range = 500, false_positive_rate = 0.001),
    brand_id text_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001),
    campaign_id text_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001)
) with (pages_per_range = 32, autosummarize = off);
