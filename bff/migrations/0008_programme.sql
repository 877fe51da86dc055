-- campaign-events: what a campaign says of itself, when it starts and ends, and what it may cost, in minor units of its currency.
alter table campaigns
    add column description     text,
    add column landing_url     text,
    add column starts_at       bigint,
    add column ends_at         bigint,
    add column budget_minor    bigint,
    add column budget_interval text;
