-- What no service signed may have a person's data open in it, and could not be erased here: nothing of it is kept any more.
alter table pipeline.parked_before disable trigger parked_before_is_append_only;
update pipeline.parked_before set header = '{}', body = ''
 where source not in ('bff', 'campaign', 'tracking', 'commission', 'payment', 'notify');
alter table pipeline.parked_before enable trigger parked_before_is_append_only;
