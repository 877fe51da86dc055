-- A brand's keys are counted when it wants another: very many of them may have been revoked.
CREATE INDEX api_keys_not_revoked ON api_keys (brand_id) WHERE status = 'active';
