-- The entries of an account in one currency: of those in one that it rarely uses none of its others is read.
drop index transfers_by_debit;
drop index transfers_by_credit;
create index transfers_by_debit on transfers (debit, currency, position);
create index transfers_by_credit on transfers (credit, currency, position);
