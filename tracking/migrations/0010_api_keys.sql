-- API keys of brands, as adopted from campaign: what each opens. One that was revoked has no hash.
create table api_keys (
    id             text   primary key,
    brand_id       text   not null,
    -- By one space.
    scopes         text   not null,
    hash           text,
    expires_at     bigint,
    previous_hash  text,
    previous_until bigint,
    position       bigint not null
);

-- The event that last changed a key: every process that remembers keys looks here.
create table api_key_changes (
    only_row boolean primary key check (only_row),
    change   bigint  not null
);

-- When a key was last used here, in no event.
create table api_key_uses (
    key_id       text   primary key,
    last_used_at bigint not null
);
