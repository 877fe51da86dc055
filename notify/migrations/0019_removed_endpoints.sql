-- Endpoints that there are no more, while something is left of what they were sent.
create table removed_endpoints (
    id text not null primary key
);
insert into removed_endpoints select id from webhook_endpoints where status = 'removed';
