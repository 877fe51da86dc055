-- Keys of partners, under which what they say of themselves is sealed here. Whoever deletes one has erased all of it, wherever it lies.
create table personal_keys (
    id         uuid  primary key,
    partner_id text  not null unique,
    -- The key, sealed under the lasting secret.
    kept       bytea not null
);

-- The erasures that have deleted keys: folded again, they delete nothing that was made since.
create table erasures (
    event_id uuid primary key
);
