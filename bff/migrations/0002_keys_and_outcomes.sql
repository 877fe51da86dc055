-- Of an Idempotency-Key only its SHA-256 is kept, beside its command: a command's id follows from kind, caller and that.
alter table commands add column key_hash text;
alter table commands add column request_hash bytea;
update commands c set request_hash = i.request_hash from idempotency i where i.command_id = c.id;
drop table idempotency;
alter table commands drop column idempotency_key;

-- An outcome is of a command of its kind: whoever took the id for another one says nothing about it.
alter table outcomes add column command_type text;
update outcomes o set command_type = c.type from commands c where c.id = o.command_id;
delete from outcomes where command_type is null;
alter table outcomes alter column command_type set not null;
alter table outcomes drop constraint outcomes_pkey;
alter table outcomes add primary key (command_id, command_type);
