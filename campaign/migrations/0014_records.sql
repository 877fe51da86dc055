-- Partners and brands themselves, made by the first event that names them. Names and websites as they are sealed in the event.
CREATE TABLE partners (
    id             text   NOT NULL PRIMARY KEY,
    position       bigint NOT NULL,
    sealed_name    bytea,
    country        text,
    currency       text,
    sealed_website bytea,
    seen_at        bigint NOT NULL,
    changed_at     bigint
);
CREATE UNIQUE INDEX partners_by_position ON partners (position);

CREATE TABLE brands (
    id          text   NOT NULL PRIMARY KEY,
    position    bigint NOT NULL,
    sealed_name bytea,
    currency    text,
    seen_at     bigint NOT NULL,
    changed_at  bigint
);
CREATE UNIQUE INDEX brands_by_position ON brands (position);
