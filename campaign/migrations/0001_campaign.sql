-- The fold of campaign's own events: nothing here has a default, a sequence or a clock. Times are microseconds, UTC;
-- position is that of the event that made the row.

CREATE TABLE campaigns (
    id            text    NOT NULL PRIMARY KEY,
    position      bigint  NOT NULL,
    brand_id      text    NOT NULL,
    name          text    NOT NULL,
    currency      text    NOT NULL,
    allowed_hosts text[]  NOT NULL,
    status        text    NOT NULL CHECK (status IN ('draft', 'active')),
    terms_version integer,
    created_at    bigint  NOT NULL,
    activated_at  bigint,
    CHECK (status = 'draft' OR (terms_version IS NOT NULL AND activated_at IS NOT NULL))
);
CREATE UNIQUE INDEX campaigns_by_position ON campaigns (position);
CREATE INDEX campaigns_of_brand ON campaigns (brand_id, position);

CREATE TABLE terms (
    campaign_id  text    NOT NULL REFERENCES campaigns,
    version      integer NOT NULL CHECK (version >= 1),
    position     bigint  NOT NULL,
    window_days  integer NOT NULL,
    effective_at bigint  NOT NULL,
    PRIMARY KEY (campaign_id, version)
);

-- What conversions earn under a version of the terms: of sale and of lead at most one column each is set. Flat amounts
-- are minor units of the campaign's currency.
CREATE TABLE plans (
    campaign_id text    NOT NULL,
    version     integer NOT NULL,
    sale_bps    integer,
    sale_flat   bigint,
    lead_bps    integer,
    lead_flat   bigint,
    hold_days   integer NOT NULL,
    PRIMARY KEY (campaign_id, version),
    FOREIGN KEY (campaign_id, version) REFERENCES terms,
    CHECK (num_nonnulls(sale_bps, sale_flat) <= 1 AND num_nonnulls(lead_bps, lead_flat) <= 1),
    CHECK (num_nonnulls(sale_bps, sale_flat, lead_bps, lead_flat) >= 1)
);

CREATE TABLE enrollments (
    id            text    NOT NULL PRIMARY KEY,
    position      bigint  NOT NULL,
    campaign_id   text    NOT NULL REFERENCES campaigns,
    partner_id    text    NOT NULL,
    terms_version integer NOT NULL,
    accepted_at   bigint  NOT NULL,
    UNIQUE (campaign_id, partner_id)
);

CREATE TABLE evidence (
    id            text   NOT NULL PRIMARY KEY,
    position      bigint NOT NULL,
    campaign_id   text   NOT NULL REFERENCES campaigns,
    brand_id      text   NOT NULL,
    partner_id    text   NOT NULL,
    evidence_type text   NOT NULL,
    url_hash      text   NOT NULL,
    submitted_at  bigint NOT NULL
);
CREATE UNIQUE INDEX evidence_by_position ON evidence (position);
CREATE INDEX evidence_of_partner ON evidence (partner_id, position);
CREATE INDEX evidence_of_brand ON evidence (brand_id, position);
CREATE INDEX evidence_of_campaign ON evidence (campaign_id, position);

-- Mutable side tables. What stands in them is in no event, so it can be changed or erased; a replay leaves them alone.

CREATE TABLE terms_texts (
    campaign_id text    NOT NULL,
    version     integer NOT NULL,
    text        text    NOT NULL,
    PRIMARY KEY (campaign_id, version)
);

CREATE TABLE acceptance_metadata (
    enrollment_id text    NOT NULL,
    terms_version integer NOT NULL,
    metadata      text    NOT NULL,
    PRIMARY KEY (enrollment_id, terms_version)
);

CREATE TABLE evidence_files (
    evidence_id text NOT NULL PRIMARY KEY,
    file_url    text NOT NULL,
    metadata    text
);
