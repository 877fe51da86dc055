-- The end of a campaign comes while it is paused for want of funds, too.
DROP INDEX campaigns_by_end;
CREATE INDEX campaigns_by_end ON campaigns (ends_at, id)
    WHERE (status = 'active' OR pause_reason = 'out_of_funds') AND ends_at IS NOT NULL;
