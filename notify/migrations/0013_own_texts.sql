-- Brands' own subjects and texts of mails, sealed to the services; neither where ours is used again.
create table mail_templates (
    id             text   not null primary key,
    position       bigint not null,
    brand_id       text   not null,
    kind           text   not null,
    language       text   not null,
    sealed_subject bytea,
    sealed_text    bytea,
    changed_at     bigint not null,
    check ((sealed_subject is null) = (sealed_text is null))
);
create index mail_templates_by_brand on mail_templates (brand_id);

-- The brand whose programme a mail is about: its own text is used.
alter table mails add column programme_brand_id text;
