-- Deposits have ids of their own, and so have withdrawals: whoever chooses one may choose an id that another's is called by.
alter table bank_transfers
    drop constraint bank_transfers_pkey,
    add primary key (way, id);
