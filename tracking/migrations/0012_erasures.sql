-- Whose notes these are, where it is known: by what is erased. Notes of before are found by their conversions.
alter table report_notes add column user_hash bytea, add column brand_id text;
create index report_notes_of_visitor on report_notes (user_hash) where user_hash is not null;
