-- A call that nobody wants to know of any more, while it may be under way: nothing else is asked of its partner until it has ended.
alter table crm_calls drop constraint crm_calls_state_check;
alter table crm_calls add constraint crm_calls_state_check check (state in ('pending', 'done', 'failed', 'dropped'));
create index crm_calls_dropped on crm_calls (leased_until) where state = 'dropped';

-- Attempts that may have had an effect, since nothing was answered that says otherwise; the one under way is among them.
alter table crm_calls add column indeterminate int not null default 0;
update crm_calls set indeterminate = attempts where state = 'pending';
