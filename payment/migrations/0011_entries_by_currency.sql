-- The entries of an account in one currency: of those in one that it rarely uses none of its others is read.
DROP INDEX transfers_of_debit;
DROP INDEX transfers_of_credit;
CREATE INDEX transfers_of_debit ON transfers (debit, currency, position, ordinal);
CREATE INDEX transfers_of_credit ON transfers (credit, currency, position, ordinal);
