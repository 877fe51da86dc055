-- Payouts, deposits and withdrawals that are under way or failed: few of very many.
create index payouts_apart on payouts (status, position) where status <> 'paid';
create index bank_transfers_apart on bank_transfers (way, status, position) where status not in ('cleared', 'settled');
