-- Keys of partners, under which what they say of themselves is sealed here. Whoever deletes one has erased all of it, wherever it lies.
CREATE TABLE personal_keys (
    id         uuid  NOT NULL PRIMARY KEY,
    partner_id text  NOT NULL UNIQUE,
    -- The key, sealed under the lasting secret.
    kept       bytea NOT NULL
);

-- What clients note comes sealed, and addresses of files stand in the event, sealed.
ALTER TABLE acceptance_metadata ALTER COLUMN metadata DROP NOT NULL, ADD COLUMN sealed_metadata bytea;
ALTER TABLE evidence_files ALTER COLUMN file_url DROP NOT NULL, ADD COLUMN sealed_metadata bytea;
