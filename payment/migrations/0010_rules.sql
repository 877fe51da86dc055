-- Behind which position of the log a rule holds that builds before decided otherwise by: what they decided stands.
create table aside.rules (
    rule           text   not null primary key,
    after_position bigint not null
);
-- Decision 0097.
insert into aside.rules select 'limits_in_every_currency', position from pipeline.log_head;
