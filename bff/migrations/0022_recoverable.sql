-- payment-events
-- What refunds took back after partners had been paid, and they have not earned again: a brand's.
alter table balances add column recoverable bigint not null default 0;
