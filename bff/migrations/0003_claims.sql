-- tracking-events
create table claims (
    id            text   primary key,
    position      bigint not null,
    status        text   not null check (status in ('open', 'settled', 'accepted', 'declined')),
    conversion_id text,
    campaign_id   text   not null,
    partner_id    text   not null,
    brand_id      text   not null,
    event_type    text   not null,
    order_id      text,
    link_code     text   not null,
    click_id      text   not null,
    amount_minor  bigint,
    currency      text,
    reason        text,
    occurred_at   bigint not null,
    claimed_at    bigint not null,
    decided_at    bigint
);
create unique index claims_by_position on claims (position);
create index claims_by_partner on claims (partner_id, position);
create index claims_by_brand on claims (brand_id, position);
