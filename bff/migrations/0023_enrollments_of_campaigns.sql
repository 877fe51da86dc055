-- A brand's enrollments are those in its campaigns: of what was recorded first, nothing else says whose they are.
create index enrollments_by_campaign on enrollments (campaign_id, position);
drop index enrollments_by_brand;
