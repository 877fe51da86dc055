-- What operators say of payouts; no part of the fold, like everything in this schema.

-- While paused, nothing is handed to the provider; what was handed over is looked up all the same.
CREATE TABLE aside.payout_switch (
    only_row boolean PRIMARY KEY CHECK (only_row),
    paused   boolean NOT NULL,
    since    bigint  NOT NULL,
    actor    text    NOT NULL
);
INSERT INTO aside.payout_switch VALUES (true, false, 0, '');

-- What one operator proposes for a payout of which nobody knows, until another confirms it.
CREATE TABLE aside.payout_proposals (
    payout   text   NOT NULL PRIMARY KEY,
    -- The event that the payout stood at: any later one makes the proposal void.
    event    uuid   NOT NULL,
    decision text   NOT NULL,
    actor    text   NOT NULL,
    at       bigint NOT NULL
);
