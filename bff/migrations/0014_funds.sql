-- payment-events
alter table balances add column unfunded bigint not null default 0;
alter table balances add column clearing bigint not null default 0;

-- Every transfer of the ledger, for the lists of what moved in an account. Account texts as in the ledger.
create table transfers (
    id             uuid   primary key,
    position       bigint not null,
    debit          text   not null,
    credit         text   not null,
    minor          bigint not null,
    currency       text   not null,
    event_type     text   not null,
    subject        text   not null,
    correlation_id uuid   not null,
    posted_at      bigint not null
);
create index transfers_by_debit on transfers (debit, position);
create index transfers_by_credit on transfers (credit, position);

-- What brands have opened beside their funds.
create table funds_accounts (
    id        text   primary key,
    position  bigint not null,
    brand_id  text   not null,
    name      text   not null,
    opened_at bigint not null
);
create index funds_accounts_by_brand on funds_accounts (brand_id, position);

-- Deposits and withdrawals.
create table bank_transfers (
    id           text   primary key,
    position     bigint not null,
    way          text   not null check (way in ('deposit', 'withdrawal')),
    brand_id     text   not null,
    account      text,
    amount_minor bigint not null,
    currency     text   not null,
    reference    text,
    status       text   not null,
    reason       text,
    began_at     bigint not null,
    updated_at   bigint not null
);
create index bank_transfers_by_position on bank_transfers (way, position);
create index bank_transfers_by_brand on bank_transfers (brand_id, way, position);

-- When brands pay, of those that it was said of.
create table billing (
    -- brand/currency
    id           text   primary key,
    position     bigint not null,
    brand_id     text   not null,
    currency     text   not null,
    billing      text   not null check (billing in ('prepaid', 'postpaid')),
    credit_limit bigint
);
create unique index billing_by_position on billing (position);
create index billing_by_brand on billing (brand_id, position);
