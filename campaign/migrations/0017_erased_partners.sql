-- When a partner was erased last: what it showed until then is shown to nobody, under whichever key it is sealed.
CREATE TABLE erased_partners (
    partner_id text   NOT NULL PRIMARY KEY,
    erased_at  bigint NOT NULL
);
