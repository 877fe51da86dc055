-- Which of an endpoint's deliveries failed or wait: few of very many. And those of one subject, such as an order, in whatever state they are.
create index webhook_deliveries_not_delivered on webhook_deliveries (endpoint_id, state, position) where state <> 'delivered';
create index webhook_deliveries_by_subject on webhook_deliveries (endpoint_id, subject, position);
