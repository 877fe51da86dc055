-- What the subject is the id of, as the table of kinds names it. A row holds up what is about the same; where either's is not
-- known, as of rows of before, it holds up whatever has its subject.
alter table pipeline.parked add column entity text;
