-- What is looked for among all that is done: failed payouts (those under way have an index), and what a bank has not done.
CREATE INDEX payouts_failed ON payouts (position) WHERE status = 'failed';
CREATE INDEX bank_transfers_not_done ON bank_transfers (way, position) WHERE progress <> 'done';
