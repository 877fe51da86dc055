-- A brand's groups, the default one made with the brand, and to which of them each partner was moved last: who was moved to none,
-- or to an archived one, is in the default group.
CREATE TABLE groups (
    id          text    NOT NULL PRIMARY KEY,
    position    bigint  NOT NULL,
    -- Where it stands in lists: twice the position, and one more where it is not the default one, which the same event may have made.
    number      bigint  NOT NULL,
    brand_id    text    NOT NULL,
    sealed_name bytea,
    link_limit  integer CHECK (link_limit >= 0),
    status      text    NOT NULL CHECK (status IN ('active', 'archived')),
    created_at  bigint  NOT NULL
);
CREATE UNIQUE INDEX groups_by_number ON groups (number);
CREATE INDEX groups_of_brand ON groups (brand_id, number);

CREATE TABLE memberships (
    id         text   NOT NULL PRIMARY KEY,
    position   bigint NOT NULL,
    brand_id   text   NOT NULL,
    partner_id text   NOT NULL,
    group_id   text   NOT NULL
);
CREATE INDEX memberships_of_partner ON memberships (partner_id, brand_id);
