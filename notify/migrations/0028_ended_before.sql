-- When a workflow had ended before its partner was erased: its brand is not mailed then that it was stopped.
alter table workflows add column ended_before bigint;
