-- Written by the intake, under the log's lock: what was asked, and under which keys.

create table commands (
    id              uuid   primary key,
    -- Its place in the log: lists page by it.
    position        bigint not null,
    type            text   not null,
    -- The aggregate that it is about.
    subject         text   not null,
    -- The token's subject: whose command it is.
    caller          text   not null,
    partner_id      text,
    brand_id        text,
    idempotency_key text,
    correlation_id  uuid   not null,
    accepted_at     bigint not null
);
create index commands_by_caller on commands (caller, position);

create table idempotency (
    caller       text  not null,
    key          text  not null,
    command_id   uuid  not null,
    -- HMAC over method, path and body: bodies are never stored.
    request_hash bytea not null,
    primary key (caller, key)
);

-- Written by the projections, under the read models' lock. Each row belongs to one topic.

-- How a command ended. Not in it: pending.
create table outcomes (
    command_id uuid   primary key,
    status     text   not null check (status in ('completed', 'rejected', 'dropped', 'needs_attention')),
    -- The event that says so.
    event_id   uuid   not null,
    event_type text   not null,
    -- The aggregate that came of it.
    subject    text   not null,
    code       text,
    detail     text,
    pointer    text,
    decided_at bigint not null
);

-- The last position given to a row of a read model: lists page by positions, in the order of first sight.
create table read_head (
    only_row boolean primary key check (only_row),
    position bigint  not null
);
insert into read_head values (true, 0);

-- commission-events
create table commissions (
    id             text   primary key,
    position       bigint not null,
    campaign_id    text   not null,
    partner_id     text   not null,
    brand_id       text   not null,
    event_type     text   not null,
    base_minor     bigint,
    base_currency  text,
    rate_bps       int,
    flat_minor     bigint,
    flat_currency  text,
    plan_version   int    not null,
    currency       text   not null,
    amount_minor   bigint not null,
    reversed_minor bigint not null,
    status         text   not null check (status in ('held', 'approved', 'reversed', 'suspended')),
    suspense       text,
    hold_until     bigint,
    calculated_at  bigint not null,
    approved_at    bigint
);
create unique index commissions_by_position on commissions (position);
create index commissions_by_partner on commissions (partner_id, position);
create index commissions_by_brand on commissions (brand_id, position);

-- payment-events
create table payouts (
    id           text   primary key,
    position     bigint not null,
    partner_id   text   not null,
    amount_minor bigint not null,
    currency     text   not null,
    method       text   not null,
    masked       text   not null,
    status       text   not null
        check (status in ('requested', 'submitting', 'submitted', 'unknown', 'paid', 'failed')),
    provider_ref text,
    reason       text,
    requested_at bigint not null,
    updated_at   bigint not null
);
create unique index payouts_by_position on payouts (position);
create index payouts_by_partner on payouts (partner_id, position);

-- payment-events. An owner is partner:<id> or brand:<id>; of each pot what came in less what went out.
create table balances (
    owner      text   not null,
    currency   text   not null,
    position   bigint not null,
    pending    bigint not null,
    payable    bigint not null,
    in_transit bigint not null,
    paid_out   bigint not null,
    suspense   bigint not null,
    funds      bigint not null,
    updated_at bigint not null,
    primary key (owner, currency)
) with (fillfactor = 70);
create unique index balances_by_position on balances (position);

-- payment-events
create table sealing_keys (
    id           text   primary key,
    public_key   bytea  not null,
    not_after    bigint not null,
    published_at bigint not null
);
