-- For reports, which read a stretch of time: summarised in the background, as the log is, so that what is recorded costs nothing more. Rows
-- that are changed later move among newer ones, and are a summary's second interval.
create index conversions_by_time on conversions using brin (recorded_at int8_minmax_multi_ops) with (pages_per_range = 32, autosummarize = off);
create index commissions_by_time on commissions using brin (calculated_at int8_minmax_multi_ops) with (pages_per_range = 32, autosummarize = off);
create index payouts_by_time on payouts using brin (updated_at int8_minmax_multi_ops) with (pages_per_range = 32, autosummarize = off);
