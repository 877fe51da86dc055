-- Partners whose links lead to the fallback page: in the campaigns of a brand, or (without one) in all.
create table bans (
    id         text   primary key,
    partner_id text   not null,
    brand_id   text,
    status     text   not null check (status in ('active', 'banned')),
    position   bigint not null
);
create index bans_of_partner on bans (partner_id);
