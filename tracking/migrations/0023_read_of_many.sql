-- Processes remember the keys that open something: of a brand very many may have been revoked.
create index api_keys_not_revoked on api_keys (position) where hash is not null;

-- A partner's links in the campaigns of a brand are counted up to a limit, campaign by campaign: there may be very many in one.
create index links_of_partner on links (partner_id, campaign_id);
