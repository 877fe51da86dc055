-- campaign-events: what its partner noted beside evidence, as it was sealed to us. Rows of before have none.
alter table evidence
    add column sealed_metadata bytea;
