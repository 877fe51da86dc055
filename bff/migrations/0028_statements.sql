-- What moved in partners' accounts, month by month.
create table statements (
    id         text   not null primary key,
    position   bigint not null,
    partner_id text   not null,
    month      text   not null,
    lines      jsonb  not null,
    issued_at  bigint not null
);
create unique index statements_by_position on statements (position);
create index statements_by_partner on statements (partner_id, position);
create index statements_by_month on statements (month, position);
