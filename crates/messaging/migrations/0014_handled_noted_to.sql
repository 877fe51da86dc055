-- Up to which position of this log what it handled is in handled_before: beside it, so that a restored database has both of one moment.
alter table pipeline.service_state add column handled_noted_to bigint not null default 0;
