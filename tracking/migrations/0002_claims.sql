-- On whose word a conversion is a partner's; null in what was recorded before claims were.
alter table conversions add column verified_by text;

-- What partners claim, the fold of tracking's own events: nobody is paid for it before it is a conversion.
create table claims (
    id                  text   primary key,
    status              text   not null check (status in ('open', 'settled', 'accepted', 'declined')),
    -- The conversion that it would be, and the one that its order is.
    claimed_id          uuid   not null,
    conversion_id       uuid,
    event_id            uuid   not null,
    event_type          text   not null,
    order_id            text,
    campaign_id         text   not null,
    brand_id            text   not null,
    partner_id          text   not null,
    link_code           text   not null,
    click_id            text   not null,
    -- In minor units of its currency.
    amount_minor        bigint check (amount_minor >= 0),
    currency            text,
    terms_version       int    not null,
    reason              text,
    occurred_at         bigint not null,
    claimed_at          bigint not null,
    decided_at          bigint,
    position            bigint not null
) with (fillfactor = 90);
create index claims_by_claimed on claims (claimed_id);
create index claims_by_position on claims (position);
create index claims_by_partner on claims (partner_id, position);
create index claims_by_brand on claims (brand_id, position);
