-- Lists of one campaign must not read everybody's.
create index commissions_by_campaign on commissions (campaign_id, position);
