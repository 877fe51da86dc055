-- By link and day: for counts.
create index clicks_by_link on clicks (link_code, clicked_at);
