-- The mail addresses of brands and partners: sealed, a partner's under its own key.
create table contacts (
    id         text   not null primary key,
    position   bigint not null,
    brand_id   text,
    partner_id text,
    addresses  text   not null,
    changed_at bigint not null,
    check ((brand_id is null) <> (partner_id is null))
);
create index contacts_by_position on contacts (position);
create index contacts_by_brand on contacts (brand_id);
create index contacts_by_partner on contacts (partner_id);

-- Keys of partners, under which their addresses are sealed here. Whoever deletes one has erased all of it, wherever it lies.
create table personal_keys (
    id         uuid  not null primary key,
    partner_id text  not null unique,
    -- The key, sealed under the lasting secret.
    kept       bytea not null
);

-- What campaigns are called: mails name them.
create table campaign_names (
    id   text not null primary key,
    name text not null
);

-- What is sent, to which of the owner's addresses, and what became of it. No event makes these rows again: a replay sends nothing.
create table mails (
    id             text   not null primary key,
    position       bigint generated always as identity,
    contact_id     text   not null,
    address_id     uuid   not null,
    brand_id       text,
    partner_id     text,
    kind           text   not null,
    event_id       uuid   not null,
    correlation_id uuid   not null,
    data           text   not null,
    -- Of money or security: it goes before the others.
    hurries        boolean not null,
    created_at     bigint not null,
    state          text   not null default 'pending' check (state in ('pending', 'sent', 'failed')),
    failure        text,
    -- The reply code of the server; what it said may name the address, and is not kept.
    smtp_status    int,
    attempts       int    not null default 0,
    next_at        bigint not null,
    ended_at       bigint,
    -- Whether the log has what became of it.
    concluded      boolean not null default false
) with (fillfactor = 80);
create index mails_due on mails ((not hurries), next_at, position) where state = 'pending';
create index mails_waiting_by_age on mails (created_at) where state = 'pending';
create index mails_of_partner on mails (partner_id) where partner_id is not null;
create index mails_to_conclude on mails (position) where state <> 'pending' and not concluded;
create index mails_by_age on mails (created_at);

-- What was sent where no server is set: on a developer's machine.
create table mailbox (
    mail_id  text   not null primary key,
    position bigint generated always as identity,
    masked   text   not null,
    subject  text   not null,
    plain    text   not null,
    html     text   not null,
    sent_at  bigint not null
);
create index mailbox_by_position on mailbox (position);
