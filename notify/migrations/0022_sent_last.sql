-- By it is found when something was sent last by a channel.
create index mails_sent on mails (channel, ended_at) where state = 'sent';
