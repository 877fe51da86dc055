-- Where brands and partners are sent what happens. Of a secret there is only its number: it is made of the lasting secret and that.
create table webhook_endpoints (
    id              text   not null primary key,
    position        bigint not null,
    brand_id        text,
    partner_id      text,
    url             text   not null,
    kinds           text   not null,
    description     text,
    status          text   not null check (status in ('enabled', 'disabled', 'removed')),
    disabled_reason text,
    secret_version  int    not null,
    previous_until  bigint,
    enabled_at      bigint not null,
    created_at      bigint not null,
    changed_at      bigint not null,
    check ((brand_id is null) <> (partner_id is null))
);
create index webhook_endpoints_by_position on webhook_endpoints (position);
create index webhook_endpoints_by_brand on webhook_endpoints (brand_id, position);
create index webhook_endpoints_by_partner on webhook_endpoints (partner_id, position);

-- Whose campaigns, conversions and claims are, of which later events do not say it.
create table campaign_owners (
    id       text not null primary key,
    brand_id text not null
);
create table subject_owners (
    id         text not null primary key,
    partner_id text,
    brand_id   text
);

-- What is sent, and what became of it. No event makes these rows again: a replay sends nothing.
create table webhook_deliveries (
    id          uuid    not null primary key,
    position    bigint  generated always as identity,
    endpoint_id text    not null,
    subject     text    not null,
    event_id    uuid    not null,
    kind        text    not null,
    body        text    not null,
    created_at  bigint  not null,
    state       text    not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts    int     not null default 0,
    next_at     bigint  not null,
    ended_at    bigint,
    gives_up    text
) with (fillfactor = 80);
create index webhook_deliveries_by_position on webhook_deliveries (endpoint_id, position);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_at, position) where state = 'pending';
create index webhook_deliveries_in_order on webhook_deliveries (endpoint_id, subject, position) where state = 'pending';
create index webhook_deliveries_given_up on webhook_deliveries (endpoint_id) where gives_up is not null;
create index webhook_deliveries_by_age on webhook_deliveries (created_at);

-- Each time that one was sent.
create table webhook_attempts (
    delivery_id  uuid   not null references webhook_deliveries on delete cascade,
    attempt      bigint generated always as identity,
    attempted_at bigint not null,
    took_ms      bigint not null,
    status       int,
    answer       text,
    error        text,
    primary key (delivery_id, attempt)
);
