/**
 * What a page asks for: its reader's own. A page of a partner or a brand names whose things it shows, since whoever has another role beside
 * that one may see others' too.
 */
import { untrack } from "svelte";
import { all, api, get, type Page } from "./api";
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

/** Of somebody else there are other pages: what asks for these need not be told. */
const who = () => ({ role: session.role, me: session.me, roles: session.roles });

interface Row {
  partner_id?: string | null;
  brand_id?: string | null;
  campaign_id?: string | null;
}

/** Leaves the reader's own of a part of a list that cannot be asked for by whose they are. Of who has one role, these are all. */
export async function ownOf<T extends Row, P extends Page<T>>(part: Promise<P>, signal: AbortSignal): Promise<P> {
  const { partner_id, brand_id } = own();
  if (untrack(who).roles.length < 2 || (!partner_id && !brand_id)) return part;
  const campaigns = brand_id ? await campaignsOf(brand_id, signal) : undefined;
  const page = await part;
  const isOwn = (row: T) => (campaigns ? (row.brand_id ? row.brand_id === brand_id : campaigns.has(row.campaign_id ?? "")) : row.partner_id === partner_id);
  return { ...page, items: page.items.filter(isOwn) };
}

async function campaignsOf(brand: string, signal: AbortSignal): Promise<Set<string>> {
  const { items } = await all((cursor) =>
    get(api.GET("/api/v1/campaigns", { params: { query: { brand_id: brand, limit: 200, ...(cursor && { cursor }) } }, signal })),
  );
  return new Set(items.map((it) => it.id));
}
