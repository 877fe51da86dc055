-- campaign-events
create table campaigns (
    id            text   primary key,
    position      bigint not null,
    brand_id      text   not null,
    name          text   not null,
    currency      text   not null,
    allowed_hosts jsonb  not null,
    fallback_url  text,
    join_mode     text   not null check (join_mode in ('open', 'approval', 'invite')),
    status        text   not null check (status in ('draft', 'active', 'paused', 'closed')),
    pause_reason  text,
    terms_version int,
    created_at    bigint not null,
    activated_at  bigint,
    closed_at     bigint
);
create unique index campaigns_by_position on campaigns (position);
create index campaigns_by_brand on campaigns (brand_id, position);

-- Without their text, which no event carries. Flat amounts are minor units of the campaign's currency.
create table terms (
    -- campaign/version
    id           text   primary key,
    position     bigint not null,
    campaign_id  text   not null,
    version      int    not null,
    window_days  int    not null,
    sale_bps     int,
    sale_flat    bigint,
    lead_bps     int,
    lead_flat    bigint,
    hold_days    int    not null,
    effective_at bigint not null
);
create unique index terms_by_campaign on terms (campaign_id, position);

create table evidence (
    id            text   primary key,
    position      bigint not null,
    campaign_id   text   not null,
    partner_id    text   not null,
    evidence_type text   not null,
    url_hash      text   not null,
    submitted_at  bigint not null
);
create unique index evidence_by_position on evidence (position);
create index evidence_by_partner on evidence (partner_id, position);
create index evidence_by_campaign on evidence (campaign_id, position);

-- tracking-events
create table links (
    -- The code.
    id          text   primary key,
    position    bigint not null,
    campaign_id text   not null,
    partner_id  text   not null,
    target_url  text   not null,
    created_at  bigint not null
);
create unique index links_by_position on links (position);
create index links_by_partner on links (partner_id, position);
create index links_by_campaign on links (campaign_id, position);

create table conversions (
    id             text   primary key,
    position       bigint not null,
    status       text   not null check (status in ('attributed', 'unattributed', 'noted')),
    event_type     text,
    order_id       text,
    campaign_id    text,
    brand_id       text,
    partner_id     text,
    link_code      text,
    click_id       text,
    terms_version  int,
    amount_minor   bigint,
    refunded_minor bigint not null,
    currency       text,
    -- What was paid of one that is nobody's: its currency may not be known.
    amount_text    text,
    verified_by    text,
    reason         text,
    occurred_at    bigint not null,
    recorded_at    bigint not null
);
create unique index conversions_by_position on conversions (position);
create index conversions_by_partner on conversions (partner_id, position);
create index conversions_by_brand on conversions (brand_id, position);
create index conversions_by_order on conversions (order_id) where order_id is not null;
