-- The members of a group, also of one that few of a brand's very many partners are in.
create index memberships_of_group on memberships (group_id, partner_id);
