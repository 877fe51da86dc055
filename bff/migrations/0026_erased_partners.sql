-- When a partner was erased last: what it showed until then is shown to nobody, under whichever key it is sealed.
create table erased_partners (
    partner_id text   not null primary key,
    erased_at  bigint not null
);
