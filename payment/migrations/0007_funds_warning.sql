-- Below which amount of what its funds still cover a brand is warned, in minor units. The fold of payment's own events.
ALTER TABLE billing ADD COLUMN funds_warning bigint CHECK (funds_warning > 0);
