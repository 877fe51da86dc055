-- What waits behind another of its subject is due once that one is done with: until then it has no time of its own, since very many that wait
-- so would stand before all else of their endpoint.
update webhook_deliveries d set next_at = 9223372036854775807
 where state = 'pending'
   and exists (select from webhook_deliveries b
                where b.endpoint_id = d.endpoint_id and b.subject = d.subject and b.state = 'pending' and b.position < d.position);
-- By it those of them are found that nothing is before any more.
create index webhook_deliveries_behind on webhook_deliveries (position) where state = 'pending' and next_at = 9223372036854775807;
