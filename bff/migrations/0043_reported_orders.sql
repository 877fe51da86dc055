-- Apart from the column, so that readers of conversions go on while they are made: what is folded waits.
create index conversions_reported on conversions (reporter_brand_id, position) where reporter_brand_id is not null;
create index conversions_reported_of_campaign on conversions (reporter_brand_id, campaign_id, position)
    where reporter_brand_id is not null and campaign_id is not null;
