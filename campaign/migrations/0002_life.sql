-- The life of a campaign: draft, active, paused, closed; and of an enrollment: invited, applied, enrolled, and then not any
-- more. The defaults are of rows, and writers, of before.

ALTER TABLE campaigns
    ADD COLUMN fallback_url text,
    ADD COLUMN join_mode    text NOT NULL DEFAULT 'open' CHECK (join_mode IN ('open', 'approval', 'invite')),
    ADD COLUMN pause_reason text,
    ADD COLUMN closed_at    bigint,
    DROP CONSTRAINT campaigns_status_check,
    ADD CHECK (status IN ('draft', 'active', 'paused', 'closed')),
    ADD CHECK ((status = 'paused') = (pause_reason IS NOT NULL)),
    ADD CHECK ((status = 'closed') = (closed_at IS NOT NULL));

ALTER TABLE enrollments
    ALTER COLUMN terms_version DROP NOT NULL,
    ALTER COLUMN accepted_at DROP NOT NULL,
    ADD COLUMN status text NOT NULL DEFAULT 'enrolled'
        CHECK (status IN ('invited', 'applied', 'enrolled', 'rejected', 'left', 'removed')),
    ADD COLUMN reason text,
    ADD COLUMN since  bigint,
    ADD CHECK ((terms_version IS NULL) = (accepted_at IS NULL)),
    ADD CHECK (status NOT IN ('applied', 'enrolled') OR terms_version IS NOT NULL),
    ADD CHECK ((status = 'enrolled') = (since IS NULL)),
    ADD CHECK ((status IN ('rejected', 'removed')) = (reason IS NOT NULL));
CREATE INDEX enrollments_of_campaign ON enrollments (campaign_id, position);
CREATE INDEX enrollments_of_partner ON enrollments (partner_id, position);
