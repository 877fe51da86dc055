-- Campaigns that have ended while applications to them were under way: a job ends those, and then there is no row any more.
create table closed_campaigns (
    id        text   not null primary key,
    closed_at bigint not null
);
create index workflows_running_of_campaign on workflows (campaign_id, position) where status = 'running';
