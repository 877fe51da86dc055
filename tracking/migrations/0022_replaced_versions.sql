-- By link, the terms that hold for its partner at a time: those that it accepted, and from version to version those that
-- are in force by then and worsen nothing. A version that a later one replaced never comes into force, and is passed over:
-- the later one does no later.
create or replace function terms_of_links(at bigint)
    returns table (code text, digest bigint, campaign_id text, partner_id text, brand_id text, terms_version int, window_days int, currency text)
    language sql stable as $$
        select l.code, l.digest, l.campaign_id, l.partner_id, t.brand_id, t.version, t.window_days, t.currency
          from links l
          join enrollments e on e.id = l.enrollment_id
          join terms t on t.campaign_id = l.campaign_id
           and t.version = coalesce(
                   (select max(h.version)
                      from (select n.version, bool_and(n.worsens is false and n.effective_at <= $1) over (order by n.version) as holds
                              from (select v.version, v.worsens, v.effective_at,
                                           min(v.effective_at) over (order by v.version desc rows between unbounded preceding
                                                                     and 1 preceding) as later
                                      from terms v
                                     where v.campaign_id = l.campaign_id and v.version > e.terms_version) n
                             where n.later is null or n.later > n.effective_at) h
                     where h.holds),
                   (select max(a.version) from terms a where a.campaign_id = l.campaign_id and a.version <= e.terms_version))
    $$;
