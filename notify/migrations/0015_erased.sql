-- Erased partners of whom there may be more than one transaction takes away.
create table erased_partners (
    partner_id text not null primary key
);
create index mails_to_erase on mails (partner_id) where partner_id is not null and data <> '{}';
