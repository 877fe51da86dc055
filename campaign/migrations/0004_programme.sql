-- What a campaign says of itself, when it starts and ends, and what it may cost: minor units of its currency in a day, a month or
-- in all.
ALTER TABLE campaigns
    ADD COLUMN description     text,
    ADD COLUMN landing_url     text,
    ADD COLUMN starts_at       bigint,
    ADD COLUMN ends_at         bigint,
    ADD COLUMN budget_minor    bigint CHECK (budget_minor > 0),
    ADD COLUMN budget_interval text CHECK (budget_interval IN ('day', 'month', 'total')),
    ADD CHECK (ends_at > starts_at),
    ADD CHECK ((budget_minor IS NULL) = (budget_interval IS NULL));
-- What the timer looks for.
CREATE INDEX campaigns_by_end ON campaigns (ends_at, id) WHERE status = 'active' AND ends_at IS NOT NULL;
