-- Which data key a row is encrypted with: so that a key can be changed, row by row, while the service runs. Null where an
-- earlier build wrote it.
ALTER TABLE aside.sealing_keys ADD COLUMN data_key bytea;
ALTER TABLE aside.payout_details ADD COLUMN data_key bytea;

-- An operator wants a new sealing key before its time: one made later than this.
CREATE TABLE aside.sealing_key_wish (
    only_row boolean NOT NULL PRIMARY KEY CHECK (only_row),
    at       bigint  NOT NULL
);
