-- Since when an enrolled partner is in, too: since its approval, where that was not when it accepted the terms. Of whom was approved
-- before, a replay makes it so.
ALTER TABLE enrollments DROP CONSTRAINT enrollments_check2;
UPDATE enrollments SET since = accepted_at WHERE since IS NULL;
