-- campaign-events: what the brand says of evidence, what a file is known again by, and texts as they were sealed to us. The defaults
-- are of rows of before.
alter table evidence
    add column content_hash text,
    add column replaces     text,
    add column duplicate_of text,
    add column sealed_url   bytea,
    add column status       text not null default 'submitted' check (status in ('submitted', 'approved', 'rejected', 'returned')),
    add column reason       text,
    add column decided_at   bigint;
alter table terms
    add column sealed_text bytea;
