-- campaign-events: what lists show of API keys, and what each opens. One that was revoked has no hash.
create table api_keys (
    id             text   primary key,
    position       bigint not null,
    brand_id       text   not null,
    prefix         text   not null,
    -- By one space.
    scopes         text   not null,
    hash           text,
    expires_at     bigint,
    previous_hash  text,
    previous_until bigint,
    created_at     bigint not null,
    changed_at     bigint not null
);
create unique index api_keys_by_position on api_keys (position);
create index api_keys_by_brand on api_keys (brand_id, position);

-- Another number after each change of a key: every process that remembers keys looks here.
create table api_key_changes (
    only_row boolean primary key check (only_row),
    change   bigint  not null
);

-- When a key was last used here, in no event.
create table api_key_uses (
    key_id       text   primary key,
    last_used_at bigint not null
);
