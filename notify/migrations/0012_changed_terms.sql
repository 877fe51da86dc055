-- Who is in which campaign, on which version of its terms.
create table enrolled (
    campaign_id   text not null,
    partner_id    text not null,
    terms_version int  not null,
    primary key (campaign_id, partner_id)
);
create index enrolled_of_partner on enrolled (partner_id);

-- Versions of terms that partners are being mailed about, and behind which of them that goes on.
create table terms_mailings (
    event_id       uuid   not null primary key,
    position       bigint generated always as identity,
    campaign_id    text   not null,
    correlation_id uuid   not null,
    version        int    not null,
    effective_at   bigint not null,
    worsens        boolean not null,
    after_partner  text   not null default ''
);
