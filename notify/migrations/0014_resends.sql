-- What owners had sent again, a step at a time: behind which delivery that goes on, and up to which.
create table webhook_resends (
    position       bigint generated always as identity primary key,
    endpoint_id    text   not null,
    since          bigint not null,
    until          bigint not null,
    after_delivery bigint not null default 0,
    last_delivery  bigint not null
);
create index webhook_resends_by_endpoint on webhook_resends (endpoint_id, position);
