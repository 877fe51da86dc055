-- Whose notes these are, where it is known: by what is erased.
alter table report_notes add column user_hash bytea, add column brand_id text;
-- Of before the conversion's click, or the report that decided nothing, says it.
update report_notes n set user_hash = w.user_hash, brand_id = w.brand_id
  from (select v.id, coalesce(v.user_hash, c.user_hash) as user_hash, v.brand_id
          from conversions v left join clicks c on c.id = v.click_id
         union all
        select e.conversion_id, e.user_hash, p.brand_id
          from tracking_events e left join campaigns p on p.id = e.campaign_id) w
 where n.conversion_id = w.id and w.user_hash is not null;
create index report_notes_of_visitor on report_notes (user_hash) where user_hash is not null;
