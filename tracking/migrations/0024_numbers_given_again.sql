-- The event by which campaign gave the number of this version out again, since its log was restored from a backup; null: it has
-- given it out once.
alter table terms add column given_again bigint;

-- As before, but for numbers that were given out again: who accepted one of them, or a later one, before that has accepted other
-- terms, and counts as of the version before it, where there is one. Later versions that are known from before went with the log's lost end.
create or replace function terms_of_links(at bigint)
    returns table (code text, digest bigint, campaign_id text, partner_id text, brand_id text, terms_version int, window_days int, currency text)
    language sql stable as $$
        select l.code, l.digest, l.campaign_id, l.partner_id, t.brand_id, t.version, t.window_days, t.currency
          from links l
          join enrollments e on e.id = l.enrollment_id
         cross join lateral (select least(e.terms_version, min(greatest(g.version - 1, 1))) as version
                               from terms g
                              where g.campaign_id = l.campaign_id and g.version <= e.terms_version
                                and g.given_again > e.position) accepted
          join terms t on t.campaign_id = l.campaign_id
           and t.version = coalesce(
                   (select max(h.version)
                      from (select n.version, bool_and(n.worsens is false and n.effective_at <= $1) over (order by n.version) as holds
                              from (select v.version, v.worsens, v.effective_at,
                                           min(v.effective_at) over (order by v.version desc rows between unbounded preceding
                                                                     and 1 preceding) as later
                                      from terms v
                                     where v.campaign_id = l.campaign_id and v.version > accepted.version
                                       and not exists (select from terms g where g.campaign_id = v.campaign_id and g.version < v.version
                                                          and g.given_again > v.position)) n
                             where n.later is null or n.later > n.effective_at) h
                     where h.holds),
                   (select max(a.version) from terms a
                     where a.campaign_id = l.campaign_id and a.version <= accepted.version))
    $$;
