-- What a version of the terms is to who accepted the one before; null of what was published before it was decided.
-- campaigns.terms_version is the newest version, in force or not.
ALTER TABLE terms
    ADD COLUMN text_hash text,
    ADD COLUMN worsens   boolean;
