-- From when a campaign's links lead to their targets, in microseconds; null: at once.
alter table campaigns add column starts_at bigint;
