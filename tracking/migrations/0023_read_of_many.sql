-- Processes remember the keys that open something: of a brand very many may have been revoked.
create index api_keys_not_revoked on api_keys (position) where hash is not null;
