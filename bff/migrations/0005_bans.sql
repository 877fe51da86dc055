-- campaign-events
create table bans (
    id         text   primary key,
    position   bigint not null,
    partner_id text   not null,
    -- Null: everywhere.
    brand_id   text,
    status     text   not null check (status in ('active', 'banned')),
    reason     text,
    since      bigint not null
);
create unique index bans_by_position on bans (position);
create index bans_by_partner on bans (partner_id, position);
create index bans_by_brand on bans (brand_id, position);
