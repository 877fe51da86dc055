-- Numbers that texts are sent to, sealed as addresses are.
alter table contacts add column numbers text not null default '[]';

-- By which way it goes; a text's address_id names a number.
alter table mails add column channel text not null default 'mail' check (channel in ('mail', 'text'));
-- The error code of the provider of texts.
alter table mails add column provider_code int;
drop index mails_due;
create index mails_due on mails (channel, (not hurries), next_at, position) where state = 'pending';
