-- A partner that applies and leaves again and again has very many workflows that have ended.
create index workflows_under_way on workflows (partner_id, brand_id) where status in ('running', 'compensating');

-- Endpoints that were removed stay, and are looked for no more.
drop index webhook_endpoints_by_position;
drop index webhook_endpoints_by_brand;
drop index webhook_endpoints_by_partner;
create index webhook_endpoints_by_position on webhook_endpoints (position) where status <> 'removed';
create index webhook_endpoints_by_brand on webhook_endpoints (brand_id, position) where status <> 'removed';
create index webhook_endpoints_by_partner on webhook_endpoints (partner_id, position) where status <> 'removed';
create index webhook_endpoints_by_status on webhook_endpoints (status, format) where status <> 'removed';
