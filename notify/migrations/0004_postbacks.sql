-- Mails are listed by it.
create index mails_by_position on mails (position);

-- What an endpoint is sent: signed events by POST, or a GET to an address that names what happened.
alter table webhook_endpoints
    add column format text not null default 'webhook' check (format in ('webhook', 'postback'));

-- What postbacks name of a conversion, which events about its commission do not say: of partners that have postbacks.
create table postback_sales (
    conversion_id text not null primary key,
    partner_id    text not null,
    click_id      text not null,
    link_code     text not null,
    campaign_id   text not null,
    order_id      text,
    amount        bigint,
    currency      text
);
create index postback_sales_of_partner on postback_sales (partner_id);
