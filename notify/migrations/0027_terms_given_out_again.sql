-- By it those are found who accepted a version of terms whose number is given out again.
create index enrolled_by_version on enrolled (campaign_id, terms_version);
-- Whoever is erased stays in its campaigns.
drop index enrolled_of_partner;
