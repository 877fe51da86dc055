-- What reports sum up, kept by quarters of an hour: all that was recorded before the horizon. Conversions behind it are summed when they are
-- asked about. A job moves it on (decision 0087), and what changes of something before it is taken out and put in again where it changes.
-- A replay makes none of this: its copies begin with nothing summed.
create table report_horizon (
    only_row  boolean primary key default true check (only_row),
    -- Microseconds: what was recorded before is summed.
    summed_to bigint not null
);
insert into report_horizon values (true, 0);

-- Sums are of minor units. Currencies that are not known are empty.
create table report_sums (
    -- Quarters of an hour since 1970.
    slot        bigint  not null,
    campaign_id text    not null,
    brand_id    text    not null,
    partner_id  text    not null,
    link_code   text    not null,
    -- Of what was paid.
    currency    text    not null,
    -- Of what was earned.
    earned_in   text    not null,
    leads       bigint  not null,
    sales       bigint  not null,
    revenue     numeric not null,
    refunds     numeric not null,
    commissions numeric not null,
    primary key (campaign_id, slot, partner_id, link_code, currency, earned_in)
) with (fillfactor = 80);
create index report_sums_by_slot on report_sums (slot);
create index report_sums_by_brand on report_sums (brand_id, slot);
create index report_sums_by_partner on report_sums (partner_id, slot);

-- The same of each campaign, for who asks about no partner and no link.
create table report_totals (
    slot        bigint  not null,
    campaign_id text    not null,
    brand_id    text    not null,
    currency    text    not null,
    earned_in   text    not null,
    leads       bigint  not null,
    sales       bigint  not null,
    revenue     numeric not null,
    refunds     numeric not null,
    commissions numeric not null,
    primary key (campaign_id, slot, currency, earned_in)
) with (fillfactor = 80);
create index report_totals_by_slot on report_totals (slot);
create index report_totals_by_brand on report_totals (brand_id, slot);

-- Commissions that were calculated before the horizon, and whose conversions were not known then as anybody's.
create table report_alone (
    id text primary key
);
