-- The members of a group, also of one that few of a brand's very many partners are in.
CREATE INDEX memberships_of_group ON memberships (group_id, partner_id);
