-- What stands otherwise than nearly all of a brand's or a partner's rows, however many it has that stand so, and others that do not.
create index commissions_by_campaign_apart on commissions (brand_id, campaign_id, status, position) where status <> 'approved';
create index commissions_of_partner_apart on commissions (partner_id, campaign_id, status, position) where status <> 'approved';
create index enrollments_by_campaign_apart on enrollments (campaign_id, status, position) where status <> 'enrolled';
create index links_by_campaign_apart on links (campaign_id, status, position) where status <> 'active';
