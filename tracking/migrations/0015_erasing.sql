-- Erasures that are under way: a shop may give many visitors one id, so clicks and notes are walked through some at a time, beside the
-- writer lock.
create table erasures (
    user_hash  bytea  not null,
    brand_id   text   not null,
    -- What was there by then is erased.
    until      bigint not null,
    -- The last click that was looked at.
    clicked_at bigint not null default 0,
    click_id   text   not null default '',
    primary key (user_hash, brand_id)
);
-- What was noted later is another's, or said again.
alter table report_notes add column noted_at bigint not null default 0;
