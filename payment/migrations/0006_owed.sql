-- What partners had been paid before refunds took it back and they have not earned again, by the brand that waits for it. The fold
-- of payment's own events.
CREATE TABLE owed (
    partner  text   NOT NULL,
    currency text   NOT NULL,
    brand    text   NOT NULL,
    minor    bigint NOT NULL CHECK (minor > 0),
    position bigint NOT NULL,
    PRIMARY KEY (partner, currency, brand)
);
