-- Who sent what is set aside: this process (local), the service whose place in a stream it has (stream), a producer by its
-- key (producer:NAME:BRAND), or nobody known. What came without a place in a stream before messages were signed was only said
-- to be somebody's: fed back, a command of it ends refused, and a fact stays aside.
alter table pipeline.parked drop constraint parked_origin_check;
update pipeline.parked set origin = 'unknown' where origin = 'road';
alter table pipeline.parked add constraint parked_origin_check
    check (origin in ('local', 'stream', 'unknown') or origin like 'producer:_%:_%');
