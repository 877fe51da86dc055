-- Of an endpoint that is enabled again what waits is begun anew, a step at a time as what is sent again: of such a range only what waits.
alter table webhook_resends add column only_pending boolean not null default false;
