-- campaign-events: a brand's groups, the default one made with the brand, and to which of them each partner was moved last.
create table groups (
    id          text   primary key,
    position    bigint not null,
    brand_id    text   not null,
    sealed_name bytea,
    link_limit  int,
    status      text   not null check (status in ('active', 'archived')),
    created_at  bigint not null
);
create unique index groups_by_position on groups (position);
create index groups_by_brand on groups (brand_id, position);

create table memberships (
    id         text   primary key,
    position   bigint not null,
    brand_id   text   not null,
    partner_id text   not null,
    group_id   text   not null
);
create index memberships_of_partner on memberships (partner_id, brand_id);
