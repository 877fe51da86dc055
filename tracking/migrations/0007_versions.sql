-- Whether a version of the terms worsens something for who accepted the one before; null: it does.
alter table terms add column worsens boolean;

-- By link, the terms that hold for its partner at a time: those that it accepted, and from version to version those that
-- are in force by then and worsen nothing. (The view link_terms, without the latter, is of builds before.)
create function terms_of_links(at bigint)
    returns table (code text, digest bigint, campaign_id text, partner_id text, brand_id text, terms_version int, window_days int, currency text)
    language sql stable as $$
        select l.code, l.digest, l.campaign_id, l.partner_id, t.brand_id, t.version, t.window_days, t.currency
          from links l
          join enrollments e on e.id = l.enrollment_id
          join terms t on t.campaign_id = l.campaign_id
           and t.version = coalesce((select min(n.version) from terms n
                                      where n.campaign_id = l.campaign_id and n.version > e.terms_version
                                        and (n.worsens is not false or n.effective_at > $1)) - 1,
                                    (select max(n.version) from terms n where n.campaign_id = l.campaign_id))
    $$;
