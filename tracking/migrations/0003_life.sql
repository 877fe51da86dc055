-- Whether links lead to their targets: that of an active campaign whose partner is enrolled does. The defaults are of rows,
-- and writers, of before.
alter table campaigns
    add column status       text not null default 'active' check (status in ('active', 'paused', 'closed')),
    add column fallback_url text;
alter table enrollments
    add column status text not null default 'enrolled' check (status in ('applied', 'enrolled', 'rejected', 'left', 'removed'));

-- The event that last stopped links from leading to their targets: every process that remembers links looks here.
create table link_stops (
    only_row boolean primary key check (only_row),
    position bigint  not null
);
