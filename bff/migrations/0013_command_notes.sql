-- What clients note beside the report of a visitor (metadata), with whom it is about: in no message, so that it can be erased. No fold.
create table command_notes (
    command_id uuid   primary key,
    brand_id   text,
    -- A keyed hash of the visitor's id.
    user_hash  bytea,
    metadata   text   not null,
    noted_at   bigint not null
);
create index command_notes_of_visitor on command_notes (user_hash) where user_hash is not null;
