/** The public API through a client whose types are made from the bff's own document. */
import createClient from "openapi-fetch";
import type { components, paths as Public } from "../api/bff";
import type { components as operatorComponents, paths as Operator } from "../api/operator";
import { connection } from "./connection.svelte";
import { asFailure, away, failureOf, unauthorized } from "./failure";
import { DOUBT, READ, WRITE, limited } from "./patience";
import { session } from "./session.svelte";

export type Schemas = components["schemas"];
export type OperatorSchemas = operatorComponents["schemas"];

interface Sent {
  /** Its body comes for as long as it takes. */
  isLong?: boolean;
}

/** As `fetch`, with the person's token, which is renewed where its time is over; reports whether the server was reached. */
export async function send(request: Request, sent: Sent = {}): Promise<Response> {
  if (session.phase === "expired") {
    if (request.method !== "GET") session.ask();
    throw unauthorized("ended");
  }
  await session.keepFresh();
  const again = request.clone();
  const shown = session.authorization();
  let response = await once(request, shown, sent);
  if (response.status !== 401 || shown === undefined) return response;
  // Renewed meanwhile for another request, or now.
  const renewal = session.authorization() === shown ? await session.renew() : "renewed";
  if (renewal === "unreached") throw unauthorized("away");
  if (renewal === "renewed") response = await once(again, session.authorization(), sent);
  if (response.status === 401) session.expired();
  return response;
}

async function once(request: Request, authorization: string | undefined, { isLong = false }: Sent): Promise<Response> {
  if (authorization !== undefined) request.headers.set("authorization", authorization);
  const doubting = setTimeout(() => connection.doubt(), DOUBT);
  try {
    const response = await limited(request, {}, request.method === "GET" ? READ : WRITE, { untilItBegins: isLong });
    connection.answered();
    return response;
  } catch (error) {
    if (request.signal.aborted || asFailure(error).code === "timed_out") throw error;
    connection.unreached();
    throw away();
  } finally {
    clearTimeout(doubting);
  }
}

const fetched = (request: Request) => send(request);
const options = { baseUrl: location.origin, fetch: fetched, credentials: "omit" as const, cache: "no-store" as const };
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

