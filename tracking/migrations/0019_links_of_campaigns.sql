-- A brand's links are those to its campaigns: its clicks are counted without those of others.
create index links_by_campaign on links (campaign_id, position);
