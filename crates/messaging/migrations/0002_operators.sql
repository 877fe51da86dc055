-- What operators did, when and why. Append-only, and written in the transaction of what it tells of.
create table pipeline.audit (
    id     bigint generated always as identity primary key,
    at     bigint not null,
    -- The token's subject.
    actor  text   not null,
    -- Such as parked.drop.
    action text   not null,
    -- What was acted upon: a message's id, a table, a position.
    target text   not null,
    reason text   not null,
    detail jsonb  not null
);

create function pipeline.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'pipeline.% is append-only', tg_table_name;
end $$;
create trigger audit_is_append_only before update or delete or truncate on pipeline.audit
    for each statement execute function pipeline.refuse_change();

alter table pipeline.parked
    -- When it was set aside first.
    add column parked_at bigint not null default 0,
    -- How it came: made in this process, from outside, or from outside with its place in its source's stream. Fed back, it
    -- is judged by this again: what is never taken from outside stays out.
    add column origin text not null default 'stream' check (origin in ('local', 'road', 'stream')),
    -- How often an operator edited or redrove it: what was read before that is not handled.
    add column edition int not null default 0,
    -- The redrive that picked it last.
    add column redrive uuid;
update pipeline.parked set parked_at = coalesce((header::json ->> 'time')::bigint, 0);
create index parked_by_arrival on pipeline.parked (arrival);
create index parked_by_id on pipeline.parked (message_id);
create index parked_by_redrive on pipeline.parked (redrive) where redrive is not null;

-- The bytes that an operator's edit took the place of, or that a drop removed. Append-only.
create table pipeline.parked_before (
    audit      bigint primary key references pipeline.audit,
    source     text   not null,
    message_id uuid   not null,
    schema_id  int    not null,
    header     text   not null,
    body       bytea  not null
);
create index parked_before_by_id on pipeline.parked_before (message_id);
create trigger parked_before_is_append_only before update or delete or truncate on pipeline.parked_before
    for each statement execute function pipeline.refuse_change();

-- Redrives of many messages: each goes once through the rows that it is for, in order of arrival, at its rate.
create table pipeline.redrive (
    id           uuid   primary key,
    audit        bigint not null references pipeline.audit,
    filter       jsonb  not null,
    -- Messages a second.
    rate         int    not null,
    state        text   not null check (state in ('running', 'done', 'cancelled')),
    started_at   bigint not null,
    -- When it picked last.
    stepped_at   bigint not null,
    -- Rows that arrived later are not its business.
    last_arrival bigint not null,
    at_arrival   bigint not null,
    total        bigint not null,
    picked       bigint not null,
    -- Of those picked, once it ended: how many left the table, and how many are dead again.
    done         bigint not null,
    failed       bigint not null,
    ended_at     bigint
);
