-- How many positions one partition of the log's table has (fixed before the first append), and up to where its rows are
-- dropped from the table and stand in the archive alone.
alter table pipeline.log_head
    add column partition_positions bigint not null default 4194304 check (partition_positions > 0),
    add column dropped_to bigint not null default 0;

-- Where archived parts of the log lie, for all who read it; and which database this is, so that a restored one is known.
alter table pipeline.service_state
    add column archive_folder text,
    add column identity text;

-- Parts of the log that were written to files, each naming the one before it by its hash.
create table pipeline.archive (
    from_position bigint primary key,
    to_position   bigint not null,
    file          text   not null,
    sha256        bytea  not null,
    rows_sha256   bytea  not null,
    count         bigint not null,
    bytes         bigint not null,
    archived_at   bigint not null,
    verified_at   bigint,
    dropped_at    bigint
);

-- Every few thousand positions, how far each stream was: so that a sequence is found without reading the log.
create table pipeline.stream_mark (
    topic     text   not null,
    partition int    not null,
    epoch     bigint not null,
    sequence  bigint not null,
    position  bigint not null,
    primary key (topic, partition, epoch, position)
);

-- Behind which position each epoch of this log began.
create table pipeline.epoch (
    epoch          bigint primary key,
    after_position bigint not null,
    raised_at      bigint not null
);
insert into pipeline.epoch select epoch, 0, 0 from pipeline.log_head;

-- When the message at the watermark was stated: what comes below it and is later belongs to another history.
alter table pipeline.watermark add column time bigint;

-- Streams that stopped because their source's log has another history, until an operator accepts it.
create table pipeline.stopped_stream (
    source      text   not null,
    topic       text   not null,
    partition   int    not null,
    known_epoch bigint not null,
    came_epoch  bigint not null,
    sequence    bigint not null,
    reason      text   not null,
    at          bigint not null,
    primary key (source, topic, partition)
);

-- The newest history of a source that an operator accepted here.
create table pipeline.accepted_epoch (
    source text   primary key,
    epoch  bigint not null
);
