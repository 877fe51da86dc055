-- Whether brands are out of funds, as payment states it.
CREATE TABLE brand_funds (
    brand_id  text    NOT NULL,
    currency  text    NOT NULL,
    exhausted boolean NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (brand_id, currency)
);
CREATE INDEX brand_funds_exhausted ON brand_funds (brand_id) WHERE exhausted;
CREATE INDEX campaigns_out_of_funds ON campaigns (brand_id) WHERE pause_reason = 'out_of_funds';
