-- When a campaign's links no longer lead to their targets, in microseconds; null: never. Of campaigns of before it is known from their next change on.
alter table campaigns add column ends_at bigint;
