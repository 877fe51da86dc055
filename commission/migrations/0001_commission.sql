-- Plans as adopted: a campaign's version never changes once it is here.
create table plans (
    campaign_id   text     not null,
    version       int      not null,
    brand_id      text     not null,
    currency      text     not null,
    sale_bps      int,
    sale_minor    bigint,
    sale_currency text,
    lead_bps      int,
    lead_minor    bigint,
    lead_currency text,
    hold_days     int      not null,
    effective_at  bigint   not null,
    adopted_at    bigint   not null,
    position      bigint   not null,
    primary key (campaign_id, version)
);

-- One for each conversion that was a partner's, with all that its amount was made of. What changes later (approved_at,
-- reversed_minor, status) is in no index but the one of holds, so that most updates stay in their page.
create table commissions (
    id             text   not null primary key,
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
    amount_minor   bigint not null check (amount_minor >= 0),
    currency       text   not null,
    suspense       text,
    hold_until     bigint,
    calculated_at  bigint not null,
    approved_at    bigint,
    reversed_minor bigint not null check (reversed_minor between 0 and amount_minor),
    status         text   not null,
    position       bigint not null
) with (fillfactor = 90);
create index commissions_by_position on commissions (position);
create index commissions_by_partner on commissions (partner_id, position);
create index commissions_by_brand on commissions (brand_id, position);
create index commissions_on_hold on commissions (hold_until) where status = 'held';

-- What refunds took back, one row each.
create table reversals (
    commission_id        text    not null,
    position             bigint  not null,
    amount_minor         bigint  not null,
    reversed_total_minor bigint  not null,
    currency             text    not null,
    pending              boolean not null,
    reversed_at          bigint  not null,
    primary key (commission_id, position)
);
