-- The processes of this service: each makes its row when it starts and takes it away when it stops by itself. A row whose
-- process has no session at this database any more is one that died. Several run side by side, so one row of the service
-- cannot tell: `service_state` keeps the service's mode and partitions, and its columns `clean_stop`, `trying` and
-- `trying_attempts` only for builds before this one.
create table pipeline.process (
    id   uuid primary key,
    mode text not null
);

-- Messages that are tried one by one after a process died, and how often: whichever process tries them.
create table pipeline.trying (
    message_id uuid primary key,
    attempts   int not null
);
