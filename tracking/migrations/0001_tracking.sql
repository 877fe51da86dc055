-- The fold of tracking's own events, except where it says otherwise. Times are microseconds since 1970 in UTC; `position`
-- is that of the event that made the row.

create table campaigns (
    id            text   primary key,
    brand_id      text   not null,
    allowed_hosts text[] not null,
    position      bigint not null
);

create table terms (
    campaign_id  text   not null,
    version      int    not null,
    brand_id     text   not null,
    currency     text   not null,
    window_days  int    not null,
    effective_at bigint not null,
    position     bigint not null,
    primary key (campaign_id, version)
);

create table enrollments (
    id            text   primary key,
    campaign_id   text   not null,
    partner_id    text   not null,
    terms_version int    not null,
    position      bigint not null
);

create table links (
    code          text   primary key,
    campaign_id   text   not null,
    partner_id    text   not null,
    enrollment_id text   not null,
    target_url    text   not null,
    -- The first eight bytes of the code's SHA-256: what a click id that was made without the database names it by.
    digest        bigint not null,
    created_at    bigint not null,
    position      bigint not null
);
create index links_by_position on links (position);
create index links_by_partner on links (partner_id, position);
create index links_by_digest on links (digest);

-- What attribution needs of a link: the terms that its partner accepted.
create view link_terms as
select l.code, l.digest, l.campaign_id, l.partner_id, t.brand_id, t.version as terms_version, t.window_days, t.currency
  from links l
  join enrollments e on e.id = l.enrollment_id
  join terms t on t.campaign_id = l.campaign_id and t.version = e.terms_version;

create table conversions (
    id             uuid   primary key,
    standing       text   not null check (standing in ('noted', 'unattributed', 'attributed')),
    event_id       uuid   not null,
    recorded_at    bigint not null,
    position       bigint not null,
    event_type     text,
    order_id       text,
    campaign_id    text,
    brand_id       text,
    partner_id     text,
    link_code      text,
    click_id       text,
    terms_version  int,
    occurred_at    bigint,
    -- Of an attributed one, in minor units of its currency.
    amount_minor   bigint check (amount_minor >= 0),
    refunded_minor bigint not null check (refunded_minor between 0 and coalesce(amount_minor, 0)),
    currency       text,
    -- Of one that is nobody's.
    reason         text,
    amount_text    text,
    user_hash      bytea,
    -- Refunds that were noted: a JSON array, null when there are none.
    noted          text
) with (fillfactor = 90);
create index conversions_by_position on conversions (position);
create index conversions_by_partner on conversions (partner_id, position);
create index conversions_by_brand on conversions (brand_id, position);

-- Under which other id an order is reported too.
create table conversion_aliases (
    alias_id      uuid primary key,
    conversion_id uuid not null
);

-- Reports that decide nothing.
create table tracking_events (
    id            uuid   primary key,
    conversion_id uuid   not null,
    event_type    text   not null,
    user_hash     bytea  not null,
    link_code     text,
    click_id      text,
    campaign_id   text,
    order_id      text,
    occurred_at   bigint not null,
    recorded_at   bigint not null,
    position      bigint not null
);

-- Not the fold of events: clients' notes, which no event carries. May be erased.
create table report_notes (
    command_id    uuid primary key,
    conversion_id uuid not null,
    product_id    text,
    metadata      text
);

-- Not the fold of events: clicks never enter the log. A partition per day, made when its first click comes.
create table clicks (
    clicked_at  bigint not null,
    id          text   not null,
    link_code   text   not null,
    campaign_id text   not null,
    user_hash   bytea,
    primary key (clicked_at, id)
) partition by range (clicked_at);
create index clicks_by_user on clicks (user_hash, clicked_at) where user_hash is not null;

-- Each visitor's last click in each campaign: what almost every report is about, without a look into many days.
create table last_clicks (
    user_hash   bytea  not null,
    campaign_id text   not null,
    clicked_at  bigint not null,
    id          text   not null,
    link_code   text   not null,
    primary key (user_hash, campaign_id)
) with (fillfactor = 80);
