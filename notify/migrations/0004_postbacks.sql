-- Mails are listed by it.
create index mails_by_position on mails (position);
