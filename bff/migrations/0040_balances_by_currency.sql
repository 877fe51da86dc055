-- Balances in a currency that few have.
create index balances_by_currency on balances (currency, position);
