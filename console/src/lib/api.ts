/** The public API through a client whose types are made from the bff's own document. */
import createClient from "openapi-fetch";
import type { components, paths as Public } from "../api/bff";
import type { components as operatorComponents, paths as Operator } from "../api/operator";
import { connection } from "./connection.svelte";
import { away, failureOf } from "./failure";
import { session } from "./session.svelte";

export type Schemas = components["schemas"];
export type OperatorSchemas = operatorComponents["schemas"];

/** As `fetch`, with the person's token; reports whether the server was reached. */
export async function send(request: Request): Promise<Response> {
  const authorization = session.authorization();
  if (authorization !== undefined) request.headers.set("authorization", authorization);
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    connection.unreached();
    throw away();
  }
  connection.answered();
  if (response.status === 401) session.expired();
  return response;
}

const options = { baseUrl: location.origin, fetch: send, credentials: "omit" as const, cache: "no-store" as const };
export const api = createClient<Public>(options);
/** What every service has for operators, under its own name. */
export const operator = createClient<Operator>(options);

/** What an answer holds; a failure where it is none of success. */
export async function get<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok || data === undefined) throw failureOf(response, error);
  return data;
}

/** A part of a list. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** Parts of a list one after the other, up to so many items; says whether that was all. */
export async function all<T>(
  part: (cursor: string | undefined) => Promise<Page<T>>,
  most = 1_000,
): Promise<{ items: T[]; isWhole: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await part(cursor);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { items, isWhole: cursor === undefined };
}

