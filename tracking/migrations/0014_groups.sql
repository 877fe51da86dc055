-- How many links a partner may have in a brand's campaigns, by the group that it is in.
create table groups (
    id         text   primary key,
    brand_id   text   not null,
    link_limit int,
    status     text   not null check (status in ('active', 'archived')),
    position   bigint not null
);
create index groups_of_brand on groups (brand_id);
create table memberships (
    id         text   primary key,
    brand_id   text   not null,
    partner_id text   not null,
    group_id   text   not null,
    position   bigint not null
);
create index memberships_of_partner on memberships (partner_id, brand_id);
