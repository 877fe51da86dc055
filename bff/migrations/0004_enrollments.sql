-- campaign-events
create table enrollments (
    id            text   primary key,
    position      bigint not null,
    status        text   not null check (status in ('invited', 'applied', 'enrolled', 'rejected', 'left', 'removed')),
    campaign_id   text   not null,
    partner_id    text   not null,
    -- Null of what was recorded before it was said.
    brand_id      text,
    reason        text,
    terms_version int,
    since         bigint not null
);
create unique index enrollments_by_position on enrollments (position);
create index enrollments_by_partner on enrollments (partner_id, position);
create index enrollments_by_brand on enrollments (brand_id, position);
