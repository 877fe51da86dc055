-- Of whom it is claimed, hashed: refunds that wait under the order's number alone are its visitor's. Null in what was claimed before.
alter table claims add column user_hash bytea;
