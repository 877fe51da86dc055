-- campaign-events: partners and brands themselves. Names and websites as they were sealed to us.
create table partners (
    id             text   primary key,
    position       bigint not null,
    sealed_name    bytea,
    country        text,
    currency       text,
    sealed_website bytea,
    seen_at        bigint not null,
    changed_at     bigint
);
create unique index partners_by_position on partners (position);

create table brands (
    id          text   primary key,
    position    bigint not null,
    sealed_name bytea,
    currency    text,
    seen_at     bigint not null,
    changed_at  bigint
);
create unique index brands_by_position on brands (position);
