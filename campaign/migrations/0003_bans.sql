-- Partners that a brand, or an operator (without a brand: everywhere), keeps out of campaigns, or kept out before.
CREATE TABLE bans (
    id         text   NOT NULL PRIMARY KEY,
    position   bigint NOT NULL,
    partner_id text   NOT NULL,
    brand_id   text,
    status     text   NOT NULL CHECK (status IN ('active', 'banned')),
    reason     text,
    since      bigint NOT NULL,
    CHECK ((status = 'banned') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX bans_by_position ON bans (position);
CREATE INDEX bans_of_partner ON bans (partner_id, position);
CREATE INDEX bans_of_brand ON bans (brand_id, position);
