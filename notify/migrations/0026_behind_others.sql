-- What waits behind another of its subject is due once that one is done with: until then it has no time of its own, since very many that wait
-- so would stand before all else of their endpoint. By this those of them are found that nothing is before any more. What is there already gets
-- none when what is before it is tried: an older build that still sends beside this one would never come to it.
create index webhook_deliveries_behind on webhook_deliveries (position) where state = 'pending' and next_at = 9223372036854775807;
