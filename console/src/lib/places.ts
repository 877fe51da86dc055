/** Where this console shows what a search has found. */
import type { Schemas } from "./api";
import type { Role } from "./session.svelte";

type Named = Schemas["NamedView"];

/** Nothing where it has no page for it, or not for this role. */
export function placeOf({ kind, id }: Named, role: Role): string | undefined {
  const at = encodeURIComponent(id);
  switch (kind) {
    case "order":
      return `/${role}/conversions?order=${at}`;
    case "conversion":
      return `/${role}/conversions/${at}`;
    case "claim":
      return `/${role}/claims`;
    case "payout":
      return role === "brand" ? undefined : `/${role}/payouts/${at}`;
    case "partner":
      return role === "partner" ? "/partner/profile" : `/${role}/partners/${at}`;
    case "campaign":
      return role === "operator" ? "/operator/campaigns" : `/${role}/campaigns/${at}`;
    case "link":
      return role === "operator" ? undefined : `/${role}/links/${at}`;
    case "request":
      return role === "operator" ? `/operator/timeline/${at}` : undefined;
    default:
      return undefined;
  }
}
