-- Sums of campaigns by whole days too, in UTC: a report of a year reads days, and quarters of an hour where one of its spans begins or ends within
-- one (as tracking's sums of clicks).
alter table report_totals
    -- Of how many quarters of an hour a row is; `slot` counts so long ones.
    add column quarters smallint not null default 1 check (quarters in (1, 96));
alter table report_totals alter column quarters drop default;
alter table report_totals
    drop constraint report_totals_pkey,
    add primary key (campaign_id, quarters, slot, currency, earned_in);
drop index report_totals_by_slot;
drop index report_totals_by_brand;
create index report_totals_by_slot on report_totals (quarters, slot);
create index report_totals_by_brand on report_totals (brand_id, quarters, slot);
insert into report_totals
    select slot / 96, campaign_id, min(brand_id), currency, earned_in, sum(leads), sum(sales), sum(revenue), sum(refunds), sum(commissions), 96
      from report_totals group by slot / 96, campaign_id, currency, earned_in;
