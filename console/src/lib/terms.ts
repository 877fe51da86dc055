/** What a plan pays, in words. */
import type { Schemas } from "./api";
import { money, percent } from "./format";

type Earning = Schemas["EarningView"] | null | undefined;

function earning(of: Earning): string | undefined {
  if (!of) return undefined;
  if (typeof of.bps === "number") return percent(of.bps);
  return of.flat ? money(of.flat.amount, of.flat.currency) : undefined;
}

/** A percentage of a form's; none where it is anything else, or has more digits than basis points have. */
export function basisPoints(text: string): number | undefined {
  const [, whole = "", part = ""] = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return whole === "" ? undefined : Number(whole + part.padEnd(2, "0"));
}

export function planText(plan: Schemas["PlanView"]): string {
  const [sale, lead] = [earning(plan.sale), earning(plan.lead)];
  const parts = [];
  if (sale) parts.push(plan.sale?.flat ? `${sale} for a sale` : `${sale} of a sale`);
  if (lead) parts.push(`${lead} for a lead`);
  parts.push(plan.hold_days === 0 ? "no hold" : `held ${plan.hold_days} days`);
  return parts.join(" · ");
}
