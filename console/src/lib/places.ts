/** Where this console shows what a search has found, and what other pages name. */
import type { Schemas } from "./api";
import type { Role } from "./session.svelte";

type Named = Schemas["NamedView"];

/** Numbers of orders are each brand's own: an operator's page says whose. */
export function orderPath(role: Role, order: string, brand: string | null | undefined): string {
  const whose = role === "operator" && brand ? `?brand=${encodeURIComponent(brand)}` : "";
  return `/${role}/orders/${encodeURIComponent(order)}${whose}`;
}

export const clickPath = (role: Role, click: string): string => `/${role}/timeline?click_id=${encodeURIComponent(click)}`;

/** Nothing where it has no page for it, or not for this role. */
export function placeOf({ kind, id, path }: Named, role: Role): string | undefined {
  const at = encodeURIComponent(id);
  switch (kind) {
    case "order":
      return orderPath(role, id, new URLSearchParams(path.split("?")[1]).get("brand_id"));
    case "click":
      return clickPath(role, id);
    case "conversion":
      return `/${role}/conversions/${at}`;
    case "claim":
      return `/${role}/claims/${at}`;
    case "payout":
      return role === "brand" ? undefined : `/${role}/payouts/${at}`;
    case "partner":
      return role === "partner" ? "/partner/profile" : `/${role}/partners/${at}`;
    case "campaign":
      return role === "operator" ? "/operator/campaigns" : `/${role}/campaigns/${at}`;
    case "link":
      return role === "operator" ? undefined : `/${role}/links/${at}`;
    case "request":
      return `/${role}/timeline/${at}`;
    default:
      return undefined;
  }
}
