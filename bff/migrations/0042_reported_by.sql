-- tracking-events: which brand reported what is nobody's, so that it reads it. Rows of before do not say it until they are made again.
alter table conversions
    add column reporter_brand_id text;
