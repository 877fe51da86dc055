-- What clients note beside a command (metadata), with whom it is about: in no message, so that it can be erased. No fold.
create table command_notes (
    command_id uuid   primary key,
    partner_id text,
    brand_id   text,
    -- Of a visitor's report: a keyed hash of the visitor's id.
    user_hash  bytea,
    metadata   text   not null,
    noted_at   bigint not null
);
create index command_notes_of_visitor on command_notes (user_hash) where user_hash is not null;
