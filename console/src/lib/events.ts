/** Messages of services' logs, as operators read them. */
import { get, operator, send } from "./api";
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
  const row = item as { position?: number; topic?: string; message?: Record<string, unknown> };
  const message = row.message;
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

export interface Wanted {
  subject?: string | undefined;
  correlation_id?: string | undefined;
  type?: string | undefined;
}

/** So many of one service's, the newest or oldest first. */
export async function search(
  service: Service,
  wanted: Wanted,
  options: { order: "newest" | "oldest"; most: number; pages: number; signal: AbortSignal },
): Promise<{ items: LoggedMessage[]; isWhole: boolean }> {
  const items: LoggedMessage[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const query = { ...given(wanted), order: options.order, limit: 100, ...(cursor && { cursor }) };
    const page = (await get(
      operator.GET("/api/v1/operator/{service}/events", { params: { path: { service }, query }, signal: options.signal }),
    )) as { items: unknown[]; next_cursor?: string | null };
    items.push(...page.items.flatMap((item) => read(service, item) ?? []));
    cursor = page.next_cursor ?? undefined;
    pages += 1;
  } while (cursor !== undefined && items.length < options.most && pages < options.pages);
  return { items, isWhole: cursor === undefined };
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

/**
 * A service's messages as they are committed, until aborted. After a cut it goes on behind the last one.
 */
export async function follow(
  service: Service,
  wanted: Wanted,
  on: { message: (message: LoggedMessage) => void; state: (state: "open" | "cut") => void },
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  let wait = 1_000;
  while (!signal.aborted) {
    try {
      const url = new URL(`/api/v1/operator/${service}/events/live`, location.origin);
      for (const [name, value] of Object.entries(given(wanted))) url.searchParams.set(name, value);
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (last !== undefined) headers["last-event-id"] = last;
      const response = await send(new Request(url, { headers, signal, cache: "no-store", credentials: "omit" }), { isLong: true });
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
    }
    on.state("cut");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 15_000);
  }
}
