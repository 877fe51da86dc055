-- Of a brand that set below which amount it is warned, and of which no operator has said when it pays in that currency, there is nothing here.
alter table billing alter column billing drop not null;
