/** Sums by day, campaign, partner, link or group, as the bff makes them. */
import { api, get, send, type Schemas } from "./api";
import { away, failureOf } from "./failure";

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
export async function download(query: ReportQuery): Promise<void> {
  const address = `${location.origin}/api/v1/reports?${new URLSearchParams({ ...query }).toString()}`;
  const response = await send(new Request(address, { headers: { accept: "text/csv" }, credentials: "omit", cache: "no-store" }), { isLong: true });
  if (!response.ok) throw failureOf(response, await response.json().catch(() => undefined));
  const body = await response.blob().catch(() => {
    throw away();
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(body);
  link.download = `report-${query.from ?? ""}-${query.to ?? ""}.csv`;
  link.click();
  // Not at once: the browser has to begin first.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
