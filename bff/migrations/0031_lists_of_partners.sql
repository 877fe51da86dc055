-- A partner's rows are the newest of each of its campaigns, as a brand's are: those of one brand's campaigns are found as quickly, however
-- many it has of others'.
create index conversions_of_partner on conversions (partner_id, campaign_id, position) where partner_id is not null;
drop index conversions_by_partner;
create index commissions_of_partner on commissions (partner_id, campaign_id, position);
drop index commissions_by_partner;
-- Who is in a country that few are in.
create index partners_by_country on partners (country, position);
