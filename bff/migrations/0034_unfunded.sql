-- Whose earnings wait for a brand's funds: few of all who have a balance.
create index balances_unfunded on balances (position) where unfunded < 0;
