-- How many a redrive left at its end, of kinds that the build that went on with it does not have.
alter table pipeline.redrive add column passed_over bigint not null default 0;
