/** Sums by day, campaign, partner, link or group, as the bff makes them. */
import { api, get, type Schemas } from "./api";
import { download } from "./download";

export type Report = Schemas["ReportView"];
export type ReportRow = Schemas["ReportRow"];

export interface ReportQuery {
  group_by?: string;
  from?: string;
  to?: string;
  time_zone?: string;
  campaign_id?: string;
  partner_id?: string;
  brand_id?: string;
  link_code?: string;
  currency?: string;
}

/** So often a page asks for its sums again, in milliseconds. */
export const EVERY = 30_000;

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export const report = (query: ReportQuery, signal: AbortSignal): Promise<Report> => get(api.GET("/api/v1/reports", { params: { query }, signal }));

/** The last 30 days in UTC, by day unless otherwise; which they are by the services' clock says the answer. */
export const lastDays = (signal: AbortSignal, of: ReportQuery = {}): Promise<Report> => report({ group_by: "day", time_zone: "UTC", ...of }, signal);

/** The rows as a file of comma separated values. */
export const saved = (query: ReportQuery): Promise<void> =>
  download(`/api/v1/reports?${new URLSearchParams({ ...query }).toString()}`, `report-${query.from ?? ""}-${query.to ?? ""}.csv`);
