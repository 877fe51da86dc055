-- Whether the visitor that a redirect names is believed.
ALTER TABLE campaigns ADD COLUMN trusts_redirects boolean NOT NULL DEFAULT false;
