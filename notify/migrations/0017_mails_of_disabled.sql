-- By it is found how much an owner was mailed within a day about endpoints that were disabled.
create index mails_of_disabled on mails (contact_id, created_at) where kind = 'webhook_endpoint.disabled.v1';
