-- Whether a link leads to its target, and who disabled it. The default is of rows of before.
alter table links
    add column status      text not null default 'active' check (status in ('active', 'disabled')),
    add column disabled_by text;
