-- What partners were told of their months: of each the last event that it counts, behind which the next one begins.
CREATE TABLE statements (
    partner   text   NOT NULL,
    month     text   NOT NULL,
    id        text   NOT NULL,
    position  bigint NOT NULL,
    through   bigint NOT NULL,
    lines     jsonb  NOT NULL,
    issued_at bigint NOT NULL,
    PRIMARY KEY (partner, month)
);
