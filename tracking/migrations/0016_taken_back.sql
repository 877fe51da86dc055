-- Whether a conversion that was worth nothing was taken back: no amount says so.
alter table conversions add column is_taken_back boolean not null default false;
