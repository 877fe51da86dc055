-- A brand's rows are the newest of each of its campaigns, so that one campaign's are found as quickly. What stands otherwise than nearly
-- all of them is found by how it stands, however many rows lie between.
create index conversions_by_campaign on conversions (brand_id, campaign_id, position) where brand_id is not null;
drop index conversions_by_brand;
create index conversions_of_nobody on conversions (campaign_id, position) where brand_id is null and campaign_id is not null;
create index conversions_apart on conversions (status, position) where status <> 'attributed';
create index commissions_by_campaign on commissions (brand_id, campaign_id, position);
drop index commissions_by_brand;
create index commissions_apart on commissions (status, position) where status <> 'approved';
create index enrollments_apart on enrollments (status, position) where status <> 'enrolled';
create index links_apart on links (status, position) where status <> 'active';
