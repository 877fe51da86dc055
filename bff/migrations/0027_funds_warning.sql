-- Below which amount of what its funds still cover a brand is warned, in minor units.
alter table billing add column funds_warning bigint;
