-- How often links were followed, kept by quarters of an hour and by days: all that was clicked before the horizon. Clicks behind it are counted
-- when somebody asks. A job moves it on, beside everything that visitors wait for (decision 0088).
create table click_horizon (
    only_row  boolean primary key default true check (only_row),
    -- Microseconds: what was clicked before is counted here.
    summed_to bigint not null
);
insert into click_horizon values (true, 0);

create table link_clicks (
    link_code text     not null,
    -- Quarters of an hour that a row is about: one, or the 96 of a day in UTC.
    quarters  smallint not null,
    -- So many of these lie between 1970 and its beginning.
    slot      bigint   not null,
    clicks    bigint   not null,
    -- Of the day and the link, in lists; of days alone.
    place     bigint,
    primary key (link_code, quarters, slot)
) with (fillfactor = 80);
create index link_clicks_by_place on link_clicks (place) where place is not null;
create index link_clicks_by_slot on link_clicks (slot) where quarters = 1;

-- The same of each campaign, for who asks about no partner and no link.
create table campaign_clicks (
    campaign_id text     not null,
    quarters    smallint not null,
    slot        bigint   not null,
    clicks      bigint   not null,
    primary key (campaign_id, quarters, slot)
) with (fillfactor = 80);
create index campaign_clicks_by_slot on campaign_clicks (quarters, slot);
