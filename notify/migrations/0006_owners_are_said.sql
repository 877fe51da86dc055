-- Whose a conversion or a claim is, every event about it says itself.
drop table subject_owners;
