-- Brands' money. The fold of payment's own events, as all tables outside the schema aside.

-- Accounts that brands have opened beside their funds.
CREATE TABLE accounts (
    id        text   NOT NULL PRIMARY KEY,
    brand     text   NOT NULL,
    name      text   NOT NULL,
    position  bigint NOT NULL,
    opened_at bigint NOT NULL,
    UNIQUE (brand, name)
);
CREATE INDEX accounts_of_brand ON accounts (brand, position DESC);

-- Deposits and withdrawals.
CREATE TABLE bank_transfers (
    way        text   NOT NULL,
    id         text   NOT NULL,
    position   bigint NOT NULL,
    brand      text   NOT NULL,
    account    text,
    minor      bigint NOT NULL CHECK (minor > 0),
    currency   text   NOT NULL,
    reference  text,
    progress   text   NOT NULL CHECK (progress IN ('under_way', 'done', 'failed')),
    reason     text,
    began_at   bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (way, id)
);
CREATE INDEX bank_transfers_newest ON bank_transfers (way, position DESC);
CREATE INDEX bank_transfers_of_brand ON bank_transfers (brand, way, position DESC);
CREATE INDEX bank_transfers_by_id ON bank_transfers (id);

-- When a brand pays, of those that an operator has said it of; and how much waits for its funds.
CREATE TABLE billing (
    brand        text   NOT NULL,
    currency     text   NOT NULL,
    billing      text   NOT NULL CHECK (billing IN ('prepaid', 'postpaid')),
    credit_limit bigint CHECK (credit_limit >= 0),
    waiting      bigint NOT NULL CHECK (waiting >= 0),
    position     bigint NOT NULL,
    PRIMARY KEY (brand, currency)
);
CREATE INDEX billing_newest ON billing (position DESC);
CREATE INDEX billing_waiting ON billing (brand, currency) WHERE waiting > 0;

-- Commissions that wait for their brand's funds, in the order in which they were earned.
CREATE TABLE waiting (
    conversion text   NOT NULL,
    currency   text   NOT NULL,
    brand      text   NOT NULL,
    partner    text   NOT NULL,
    minor      bigint NOT NULL CHECK (minor > 0),
    stands     text   NOT NULL CHECK (stands IN ('pending', 'unfunded', 'suspense')),
    position   bigint NOT NULL,
    PRIMARY KEY (conversion, currency)
);
CREATE INDEX waiting_in_order ON waiting (brand, currency, position);

-- The entries of an account.
CREATE INDEX transfers_of_debit ON transfers (debit, position, ordinal);
CREATE INDEX transfers_of_credit ON transfers (credit, position, ordinal);
