-- What brands want done with applications to their campaigns. Names and addresses of managers are sealed.
create table onboardings (
    brand_id            text    not null primary key,
    position            bigint  not null,
    enabled             boolean not null,
    approves            boolean not null,
    countries           text    not null,
    group_id            text,
    tags                text    not null,
    crm                 boolean not null,
    sealed_manager      bytea,
    sealed_manager_mail bytea,
    changed_at          bigint  not null
);
create index onboardings_by_position on onboardings (position);

-- What is done with each application, with what its brand wanted when it came.
create table workflows (
    id                  text    not null primary key,
    position            bigint  not null,
    brand_id            text    not null,
    partner_id          text    not null,
    campaign_id         text    not null,
    correlation_id      uuid    not null,
    approves            boolean not null,
    countries           text    not null,
    group_id            text,
    tags                text    not null,
    crm                 boolean not null,
    sealed_manager      bytea,
    sealed_manager_mail bytea,
    status              text    not null check (status in ('running', 'completed', 'compensating', 'compensated')),
    steps               text    not null,
    group_before        text,
    country             text,
    -- Under the partner's own key.
    sealed_name         bytea,
    failed              text,
    reason              text,
    returned            boolean not null,
    started_at          bigint  not null,
    changed_at          bigint  not null,
    ended_at            bigint
);
create index workflows_by_position on workflows (position);
create index workflows_by_brand on workflows (brand_id, position);
create index workflows_of_partner on workflows (partner_id, brand_id);
create index workflows_by_status on workflows (status, position);

-- What the CRM is asked of a workflow's partner, and what became of it. No event makes these rows again: a replay calls nobody.
create table crm_calls (
    workflow_id    text    not null primary key,
    partner_id     text    not null,
    -- One more each time that something else is asked.
    generation     bigint  generated always as identity,
    removes        boolean not null,
    -- Of who was erased: the CRM is to forget it, and not only to remove it.
    erases         boolean not null,
    correlation_id uuid    not null,
    created_at     bigint  not null,
    state          text    not null default 'pending' check (state in ('pending', 'done', 'failed')),
    reason         text,
    crm_status     int,
    attempts       int     not null default 0,
    next_at        bigint  not null,
    -- Until then a call may be under way.
    leased_until   bigint  not null default 0,
    ended_at       bigint
) with (fillfactor = 80);
create index crm_calls_of_partner on crm_calls (partner_id);
create index crm_calls_due on crm_calls (next_at) where state = 'pending';
create index crm_calls_ended on crm_calls (ended_at) where state <> 'pending';
