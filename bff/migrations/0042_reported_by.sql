-- tracking-events: which brand reported what is nobody's, so that it reads it. Rows of before do not say it until they are made again.
alter table conversions
    add column reporter_brand_id text;
create index conversions_reported on conversions (reporter_brand_id, position) where reporter_brand_id is not null;
create index conversions_reported_of_campaign on conversions (reporter_brand_id, campaign_id, position) where reporter_brand_id is not null;
