-- campaign-events: whether the visitor that a redirect names is believed.
alter table campaigns add column trusts_redirects boolean not null default false;
