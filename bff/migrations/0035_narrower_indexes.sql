-- The entries of an account in one currency: of those in one that it rarely uses none of its others is read.
drop index transfers_by_debit;
drop index transfers_by_credit;
create index transfers_by_debit on transfers (debit, currency, position);
create index transfers_by_credit on transfers (credit, currency, position);

-- Processes remember the keys that open something: of a brand very many may have been revoked.
create index api_keys_not_revoked on api_keys (position) where hash is not null;
