-- Who asked, as one id of the token's subject, partner and brand: what a caller is compared by. Null in older rows.
alter table pipeline.inbox add column caller uuid;
