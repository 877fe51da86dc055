-- A closed partition is indexed by request and by subject, row for row; the newest has filters of many rows, which a look-up reads whole.
alter table pipeline.log_head alter column partition_positions set default 1048576;
update pipeline.log_head set partition_positions = default where position = 0;
