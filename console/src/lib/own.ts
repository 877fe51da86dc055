/**
 * What a page asks for: its reader's own. A page of a partner or a brand names whose things it shows, since whoever has another role beside
 * that one may see others' too.
 */
import { untrack } from "svelte";
import { session } from "./session.svelte";

/** For queries that take both; an operator's pages show everybody's. */
export function own(): { partner_id?: string; brand_id?: string } {
  return { ...ownPartner(), ...ownBrand() };
}

/** For queries that know no brand. */
export function ownPartner(): { partner_id?: string } {
  const { role, me } = untrack(who);
  return role === "partner" && me?.partner_id ? { partner_id: me.partner_id } : {};
}

/** For queries that know no partner. */
export function ownBrand(): { brand_id?: string } {
  const { role, me } = untrack(who);
  return role === "brand" && me?.brand_id ? { brand_id: me.brand_id } : {};
}

/** Why a page of a partner or a brand offers no report: its reader is an operator too, whose word counts at once and is nobody's claim. */
export function whyNoReport(): string | undefined {
  const { role, roles } = untrack(who);
  return role !== "operator" && roles.includes("operator")
    ? "You are an operator too: what you report would count at once, as an operator's word. To report for yourself, sign in without that role."
    : undefined;
}

/** Of somebody else there are other pages: what asks for these need not be told. */
const who = () => ({ role: session.role, me: session.me, roles: session.roles });
