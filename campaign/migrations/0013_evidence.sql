-- What the brand says of evidence, and what a file is known again by. The defaults are of rows, and writers, of before.
ALTER TABLE evidence
    ADD COLUMN content_hash text,
    ADD COLUMN replaces     text,
    ADD COLUMN duplicate_of text,
    ADD COLUMN sealed_url   bytea,
    ADD COLUMN status       text NOT NULL DEFAULT 'submitted' CHECK (status IN ('submitted', 'approved', 'rejected', 'returned')),
    ADD COLUMN reason       text,
    ADD COLUMN decided_at   bigint,
    ADD CHECK ((status IN ('rejected', 'returned')) = (reason IS NOT NULL)),
    ADD CHECK ((status = 'submitted') = (decided_at IS NULL));
CREATE INDEX evidence_by_url ON evidence (campaign_id, url_hash, position);
CREATE INDEX evidence_by_content ON evidence (campaign_id, content_hash, position) WHERE content_hash IS NOT NULL;
