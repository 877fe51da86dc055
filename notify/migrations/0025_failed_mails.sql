-- Mails that failed: few of very many.
create index mails_failed on mails (position) where state = 'failed';
