-- Since when an enrolled partner is in, too: since its approval, where that was not when it accepted the terms. Of whom was in before,
-- a replay makes it so.
ALTER TABLE enrollments DROP CONSTRAINT enrollments_check2;
