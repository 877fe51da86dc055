/** Messages of services' logs, as operators read them. */
import { get, operator, send, type Page } from "./api";
import { asFailure } from "./failure";
import { events } from "./sse";

export const SERVICES = ["bff", "campaign", "tracking", "commission", "payment", "notify"] as const;
export type Service = (typeof SERVICES)[number];

export interface LoggedMessage {
  service: Service;
  position: number;
  topic: string;
  id: string;
  type: string;
  subject: string;
  source: string;
  /** Milliseconds since 1970. */
  time: number;
  correlationId: string | undefined;
  causationId: string | undefined;
  actor: string | undefined;
  payload: unknown;
}

/** One as the API has it; none where this build does not know its form. */
export function read(service: Service, item: unknown): LoggedMessage | undefined {
  const row = item as { position?: number; topic?: string; message?: Record<string, unknown> } | undefined;
  const message = row?.message;
  if (!message || typeof row.position !== "number") return undefined;
  const text = (name: string) => (typeof message[name] === "string" ? (message[name] as string) : undefined);
  const payload = message["payload"];
  const inner = typeof payload === "object" && payload !== null ? Object.values(payload)[0] : payload;
  return {
    service,
    position: row.position,
    topic: row.topic ?? "",
    id: text("id") ?? "",
    type: text("type") ?? "",
    subject: text("subject") ?? "",
    source: text("source") ?? service,
    time: Number(message["time"] ?? 0) / 1_000,
    correlationId: text("correlationid"),
    causationId: text("causationid"),
    actor: (message["actor"] as { subject?: string } | undefined)?.subject,
    payload: inner,
  };
}

/** Also of one whose form this build does not know. */
const positionOf = (item: unknown): number => (item as { position?: number } | undefined)?.position ?? 0;

export interface Wanted {
  subject?: string | undefined;
  correlation_id?: string | undefined;
  type?: string | undefined;
}

/** What is searched at a time: so many pages, of which each covers a window of the log, or until so many messages are found. */
const PAGES = 3;
const ENOUGH = 60;
/** So many lines are kept at first, and as many more with each step further back. */
export const MAX_LINES = 500;

/** Where a search goes on: a cursor of the API's, or a position. */
type Place = { cursor: string } | { from: number };
type Order = "newest" | "oldest";

/** What one service's log holds: from its newest message back, as far as it was searched, and what is committed since. */
class Log {
  readonly #service: Service;
  readonly #wanted: Wanted;
  #items: LoggedMessage[] = [];
  /** The newest position up to which all is known. */
  #head: number | undefined;
  #steps = 0;
  /** Where it goes on further back; none where the log begins. */
  #rest: Place | undefined;
  /** The time before which nothing was searched. */
  #until = Infinity;

  constructor(service: Service, wanted: Wanted) {
    this.#service = service;
    this.#wanted = wanted;
  }

  async look(steps: number, signal: AbortSignal): Promise<{ items: readonly LoggedMessage[]; until: number | undefined }> {
    const head = positionOf((await this.#page("newest", 1, {}, {}, signal)).items[0]);
    if (this.#head === undefined) this.#begin(head);
    else if (head > this.#head) await this.#goOn(head, steps, signal);
    for (; this.#rest && this.#steps < steps; this.#steps += 1) await this.#goBack(this.#rest, signal);
    const last = this.#items[MAX_LINES * steps - 1];
    if (last && last !== this.#items.at(-1)) {
      this.#items = this.#items.slice(0, MAX_LINES * steps);
      this.#rest = { from: last.position - 1 };
      this.#until = last.time;
    }
    return { items: this.#items, until: this.#rest && this.#until };
  }

  #begin(head: number): void {
    this.#head = head;
    this.#items = [];
    this.#rest = head > 0 ? { from: head } : undefined;
  }

  async #goOn(head: number, steps: number, signal: AbortSignal): Promise<void> {
    const { items, rest } = await this.#pages("oldest", { from: (this.#head ?? 0) + 1 }, Infinity, signal);
    if (rest) {
      // More came than is looked through at a time: the newest of it again.
      this.#begin(head);
      this.#steps = steps - 1;
    } else {
      this.#items = [...[...items].reverse(), ...this.#items];
      this.#head = Math.max(head, items.at(-1)?.position ?? 0);
    }
  }

  async #goBack(place: Place, signal: AbortSignal): Promise<void> {
    const { items, rest } = await this.#pages("newest", place, ENOUGH, signal);
    const next = rest && read(this.#service, (await this.#page("newest", 1, {}, rest, signal)).items[0]);
    this.#items = [...this.#items, ...items];
    this.#rest = rest;
    this.#until = next?.time ?? this.#items.at(-1)?.time ?? Date.now();
  }

  async #pages(order: Order, place: Place, enough: number, signal: AbortSignal): Promise<{ items: LoggedMessage[]; rest: Place | undefined }> {
    const items: LoggedMessage[] = [];
    let rest: Place | undefined = place;
    for (let pages = 0; rest && pages < PAGES && items.length < enough; pages += 1) {
      const page: Page<unknown> = await this.#page(order, 100, this.#wanted, rest, signal);
      items.push(...page.items.flatMap((item) => read(this.#service, item) ?? []));
      rest = page.next_cursor ? { cursor: page.next_cursor } : undefined;
    }
    return { items, rest };
  }

  async #page(order: Order, limit: number, wanted: Wanted, place: Place | object, signal: AbortSignal): Promise<Page<unknown>> {
    const query = { ...given(wanted), order, limit, ...place };
    const params = { path: { service: this.#service }, query };
    return (await get(operator.GET("/api/v1/operator/{service}/events", { params, signal }))) as unknown as Page<unknown>;
  }
}

/** A search in the logs of one service, or of all. */
export class Search {
  readonly #logs: ReadonlyMap<Service, Log>;
  readonly #only: Service | undefined;
  #steps = 1;

  constructor(only: Service | undefined, wanted: Wanted) {
    this.#only = only;
    this.#logs = new Map(SERVICES.map((service) => [service, new Log(service, wanted)]));
  }

  /** The next look goes further back. */
  further(): void {
    this.#steps += 1;
  }

  /** `until`: before this time not everything was searched. `most`: so many of what was found are shown. */
  async look(signal: AbortSignal) {
    const steps = this.#steps;
    const ask = (service: Service) => this.#logs.get(service)!.look(steps, signal);
    const { answers, missing } = this.#only
      ? { answers: new Map([[this.#only, await ask(this.#only)]]), missing: [] }
      : await fromAll(ask);
    const found = [...answers.values()];
    const untils = found.flatMap((it) => it.until ?? []);
    return { items: found.flatMap((it) => it.items), until: untils.length > 0 ? Math.max(...untils) : undefined, most: MAX_LINES * steps, missing };
  }
}

/** What is answered by each service, and by which not. */
export async function fromAll<T>(ask: (service: Service) => Promise<T>): Promise<{ answers: Map<Service, T>; missing: { service: Service; why: string }[] }> {
  const answers = new Map<Service, T>();
  const missing: { service: Service; why: string }[] = [];
  await Promise.all(
    SERVICES.map(async (service) => {
      try {
        answers.set(service, await ask(service));
      } catch (error) {
        const failure = asFailure(error);
        // Without the bff there is no answer of anybody.
        if (failure.isAway) throw failure;
        missing.push({ service, why: failure.message });
      }
    }),
  );
  return { answers, missing };
}

function given(wanted: Wanted): Record<string, string> {
  return Object.fromEntries(Object.entries(wanted).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** Until somebody looks at the page, or it is aborted. */
async function seen(signal: AbortSignal): Promise<void> {
  while (document.visibilityState !== "visible" && !signal.aborted) {
    await new Promise<void>((go) => {
      document.addEventListener("visibilitychange", () => go(), { once: true });
      signal.addEventListener("abort", () => go(), { once: true });
    });
  }
}

/**
 * A service's messages as they are committed, while somebody looks at the page and until aborted. After a cut, and when somebody looks
 * again, it goes on behind the last one.
 */
export async function follow(
  service: Service,
  wanted: Wanted,
  on: { message: (message: LoggedMessage) => void; state: (state: "open" | "cut") => void },
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  let wait = 1_000;
  for (;;) {
    await seen(signal);
    if (signal.aborted) return;
    // A page that nobody looks at keeps none of its browser's few connections.
    const hidden = new AbortController();
    const onChange = () => {
      if (document.visibilityState !== "visible") hidden.abort();
    };
    document.addEventListener("visibilitychange", onChange);
    try {
      const url = new URL(`/api/v1/operator/${service}/events/live`, location.origin);
      for (const [name, value] of Object.entries(given(wanted))) url.searchParams.set(name, value);
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (last !== undefined) headers["last-event-id"] = last;
      const either = AbortSignal.any([signal, hidden.signal]);
      const response = await send(new Request(url, { headers, signal: either, cache: "no-store", credentials: "omit" }), { isLong: true });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      on.state("open");
      wait = 1_000;
      for await (const event of events(response.body)) {
        if (event.id !== undefined) last = event.id;
        const message = event.data === "" ? undefined : read(service, JSON.parse(event.data));
        if (message) on.message(message);
      }
    } catch {
      if (signal.aborted) return;
    } finally {
      document.removeEventListener("visibilitychange", onChange);
    }
    if (hidden.signal.aborted) continue;
    on.state("cut");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 15_000);
  }
}
