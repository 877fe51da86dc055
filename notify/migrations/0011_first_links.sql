-- The link that a partner has for the campaign since it was onboarded.
alter table workflows add column link_code text;
