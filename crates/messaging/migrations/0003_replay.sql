-- What operators had made again from the log, and what came of it. The one that is under way holds an advisory lock.
create table pipeline.replay_job (
    id          uuid   primary key,
    kind        text   not null check (kind in ('verify', 'swap')),
    actor       text   not null,
    reason      text   not null,
    started_at  bigint not null,
    finished_at bigint,
    phase       text   not null,
    events      bigint not null,
    bytes       bigint not null,
    -- How far it is and where it has to come to: positions of the own log, or messages of what is followed.
    done        bigint not null,
    target      bigint not null,
    report      text,
    error       text
);

-- One row, once the service has started: which fold made the tables that are in place.
create table pipeline.fold (
    only_row boolean primary key check (only_row),
    version  int     not null
);
