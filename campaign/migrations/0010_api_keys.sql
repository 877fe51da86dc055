-- API keys of brands: never a secret, of one that was revoked not even its hash.
CREATE TABLE api_keys (
    id         text   NOT NULL PRIMARY KEY,
    position   bigint NOT NULL,
    brand_id   text   NOT NULL,
    prefix     text   NOT NULL,
    hash       text,
    -- By one space.
    scopes     text   NOT NULL,
    expires_at bigint,
    status     text   NOT NULL CHECK (status IN ('active', 'revoked')),
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    CHECK ((status = 'active') = (hash IS NOT NULL))
);
CREATE UNIQUE INDEX api_keys_by_position ON api_keys (position);
CREATE INDEX api_keys_of_brand ON api_keys (brand_id, position);
