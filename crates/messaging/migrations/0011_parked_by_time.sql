-- When the retry queue has something due next is looked at all the time.
create index parked_by_time on pipeline.parked (next_at) where state in ('waiting', 'retrying', 'queued');
