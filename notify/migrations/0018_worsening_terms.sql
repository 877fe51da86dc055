-- Versions of terms that worsen something, but for those that a later one replaced before they came into force: who is on one before
-- has none behind it either, until it accepts. Of before only those that are being mailed about are known.
create table worsening_terms (
    campaign_id  text   not null,
    version      int    not null,
    effective_at bigint not null,
    primary key (campaign_id, version)
);
insert into worsening_terms select distinct campaign_id, version, effective_at from terms_mailings where worsens;
