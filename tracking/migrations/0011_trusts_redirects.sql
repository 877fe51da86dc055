-- Whether the visitor that a redirect names is believed. Visitors of clicks of before are what redirects said.
alter table campaigns add column trusts_redirects boolean not null default false;
