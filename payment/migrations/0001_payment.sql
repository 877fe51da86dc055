-- The fold of payment's own events: nothing here has a default, a sequence or a clock. Times are microseconds, UTC.

CREATE TABLE balances (
    account  text   NOT NULL,
    currency text   NOT NULL,
    minor    bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (account, currency)
) WITH (fillfactor = 70);

CREATE TABLE transfers (
    position  bigint  NOT NULL,
    ordinal   integer NOT NULL,
    id        uuid    NOT NULL,
    debit     text    NOT NULL,
    credit    text    NOT NULL,
    minor     bigint  NOT NULL CHECK (minor > 0),
    currency  text    NOT NULL,
    posted_at bigint  NOT NULL,
    PRIMARY KEY (position, ordinal),
    CHECK (debit <> credit)
);

CREATE TABLE payouts (
    id               text    NOT NULL PRIMARY KEY,
    position         bigint  NOT NULL,
    partner          text    NOT NULL,
    minor            bigint  NOT NULL CHECK (minor > 0),
    currency         text    NOT NULL,
    method           text    NOT NULL,
    masked           text    NOT NULL,
    status           text    NOT NULL,
    attempt          integer NOT NULL,
    first_attempt_at bigint,
    provider_ref     text,
    reason           text,
    requested_at     bigint  NOT NULL,
    updated_at       bigint  NOT NULL,
    last_event       uuid    NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX payouts_of_partner ON payouts (partner, position DESC);
CREATE INDEX payouts_newest ON payouts (position DESC);
CREATE INDEX payouts_under_way ON payouts (position) WHERE status NOT IN ('paid', 'failed');

-- What no event carries: secrets, which can be erased, and the provider's desk's own notes. Not part of the fold.

CREATE SCHEMA aside;

CREATE TABLE aside.sealing_keys (
    id         text   NOT NULL PRIMARY KEY,
    public     bytea  NOT NULL,
    private    bytea  NOT NULL,
    created_at bigint NOT NULL,
    not_after  bigint NOT NULL
);

CREATE TABLE aside.payout_details (
    payout         text  NOT NULL PRIMARY KEY,
    details        bytea NOT NULL,
    correlation_id uuid  NOT NULL,
    traceparent    text
);

CREATE TABLE aside.calls (
    payout  text    NOT NULL PRIMARY KEY,
    event   uuid    NOT NULL,
    tries   integer NOT NULL,
    next_at bigint  NOT NULL
);
