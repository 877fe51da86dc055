/** Why something came to what it came to, as the bff explains it. */
import { api, get, type Schemas } from "./api";

/** What is to be explained. The number of an order is each brand's own: an operator says whose. */
export type Explainable =
  | { kind: "conversion" | "commission" | "transfer"; id: string }
  | { kind: "order"; id: string; brand?: string | undefined };

export interface Explained {
  /** One for each conversion or claim of an order, and else the only one. `id`: of the conversion that it is, or would be. */
  items: { id: string | null | undefined; sentences: readonly string[]; truncated: boolean }[];
  missing: readonly Schemas["MissingView"][];
  archived: readonly Schemas["ArchivedView"][];
}

export async function explained(of: Explainable, signal: AbortSignal): Promise<Explained> {
  const params = { path: { id: of.id } };
  switch (of.kind) {
    case "conversion":
      return one(await get(api.GET("/api/v1/conversions/{id}/explanation", { params, signal })));
    case "commission":
      return one(await get(api.GET("/api/v1/commissions/{id}/explanation", { params, signal })));
    case "transfer":
      return one(await get(api.GET("/api/v1/transfers/{id}/explanation", { params, signal })));
    case "order": {
      const query = { order_id: of.id, ...(of.brand && { brand_id: of.brand }) };
      const { items, missing, archived = [] }: OfOrder = await get(api.GET("/api/v1/explanations", { params: { query }, signal }));
      return { items: items.flatMap((it) => one(it).items), missing, archived };
    }
  }
}

/** A bff of an older build says neither what is archived nor whether there is more of a transfer. */
interface Whole {
  conversion_id?: string | null;
  sentences: readonly string[];
  missing: readonly Schemas["MissingView"][];
  archived?: readonly Schemas["ArchivedView"][];
  truncated?: boolean;
}

type OfOrder = Pick<Whole, "missing" | "archived"> & { items: readonly Whole[] };

function one({ conversion_id, sentences, truncated = false, missing, archived = [] }: Whole): Explained {
  return { items: [{ id: conversion_id, sentences, truncated }], missing, archived };
}
