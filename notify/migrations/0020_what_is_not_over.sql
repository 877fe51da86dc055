-- A partner that applies and leaves again and again has very many workflows that have ended.
create index workflows_under_way on workflows (partner_id, brand_id) where status in ('running', 'compensating');
