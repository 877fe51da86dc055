create schema if not exists pipeline;

-- One row: where this database's log stands. Written only under the writer lock.
create table pipeline.log_head (
    only_row   boolean primary key check (only_row),
    epoch      bigint not null,
    position   bigint not null,
    last_time  bigint not null,
    -- Microseconds added to the clock, so that tests can let time pass; 0 outside the local profile.
    clock_offset bigint not null
);
insert into pipeline.log_head values (true, 1, 0, 0, 0);

-- The last sequence given out for each of this source's streams, and how many partitions its topic has.
create table pipeline.stream_head (
    topic     text   not null,
    partition int    not null,
    sequence  bigint not null,
    primary key (topic, partition)
);

create table pipeline.writer_schema (
    id     int   primary key,
    topic  text  not null,
    sha256 bytea not null,
    text   text  not null,
    unique (topic, sha256)
);

-- Outbox and event store in one. Partitioned by position, so that what every follower has passed can be archived and
-- dropped. No secondary index on the live part.
create table pipeline.message_log (
    position       bigint not null,
    id             uuid   not null,
    type           text   not null,
    topic          text,
    partition      int,
    sequence       bigint,
    key            text   not null,
    subject        text   not null,
    time           bigint not null,
    correlation_id uuid   not null,
    causation_id   uuid,
    outcome_of     uuid,
    schema_id      int    not null,
    body           bytea  not null check (octet_length(body) <= 262144),
    primary key (position)
) partition by range (position);

-- The command log: each command once, and how it ended.
create table pipeline.inbox (
    id               uuid   primary key,
    type             text   not null,
    source           text   not null,
    subject          text   not null,
    actor            text,
    request_hash     bytea,
    received_at      bigint not null,
    state            text   not null check (state in ('done', 'rejected', 'parked', 'dropped')),
    code             text,
    outcome_position bigint
) with (fillfactor = 90);

-- The last handled sequence of every stream that is followed.
create table pipeline.watermark (
    source    text   not null,
    epoch     bigint not null,
    topic     text   not null,
    partition int    not null,
    sequence  bigint not null,
    primary key (source, epoch, topic, partition)
) with (fillfactor = 50);

-- Set aside: waiting for another aggregate, retrying with backoff, queued behind one of these, dead, or of an unknown kind.
create table pipeline.parked (
    source      text   not null,
    message_id  uuid   not null,
    arrival     bigint not null,
    topic       text   not null,
    state       text   not null check (state in ('waiting', 'retrying', 'queued', 'dead', 'unknown_type')),
    reason      text   not null,
    waiting_for text,
    subject     text,
    attempts    int    not null,
    next_at     bigint not null,
    deadline    bigint,
    header      text   not null,
    schema_id   int    not null,
    body        bytea  not null,
    primary key (source, message_id)
);
create index parked_by_subject on pipeline.parked (subject, arrival);
create index parked_by_wait on pipeline.parked (waiting_for) where waiting_for is not null;

-- How far each topic partition has been shipped to the broker. `relay_epoch` fences a relay that lost its lock.
create table pipeline.relay_cursor (
    topic       text   not null,
    partition   int    not null,
    position    bigint not null,
    relay_epoch bigint not null,
    primary key (topic, partition)
) with (fillfactor = 50);

create table pipeline.effect_cursor (
    effect   text   primary key,
    position bigint not null
);

-- One row: how this service ran last.
create table pipeline.service_state (
    only_row        boolean primary key check (only_row),
    mode            text    not null,
    clean_stop      boolean not null,
    partitions      int     not null,
    trying          uuid,
    trying_attempts int     not null
);
insert into pipeline.service_state values (true, '', true, 0, null, 0);
