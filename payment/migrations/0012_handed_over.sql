-- When a payout was first handed to the provider: the earliest that the clock has shown since, which a clock that was ahead does not make later.
ALTER TABLE aside.calls ADD COLUMN handed_at bigint;
