-- What a link adds to its target's query, and whether a path behind its code names a page below it.
alter table links
    add column utm        jsonb,
    add column deep_paths boolean not null default false;

-- What its partner put into a link's query, `sub1` to `sub5`, of a click; null where it had none.
alter table clicks add column sub_ids jsonb;
