/** Nothing is waited for without an end. */
import { timedOut } from "./failure";

/** In milliseconds. A write is waited for longer than the minute for which the bff waits for what an operator does at a service. */
export const READ = 30_000;
export const WRITE = 75_000;
/** After so long without an answer a small request says whether anybody is there. */
export const DOUBT = 5_000;
/** Streams send something every 15 seconds. */
export const SILENCE = 40_000;

/** As `fetch`, given up after a time: with its body, or once it has begun to come. */
export async function limited(what: RequestInfo, init: RequestInit, limit: number, options: { untilItBegins?: boolean } = {}): Promise<Response> {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(timedOut()), limit);
  const signals = [aborter.signal, what instanceof Request ? what.signal : undefined].filter((it) => it !== undefined);
  const response = await fetch(what, { ...init, signal: AbortSignal.any(signals) });
  if (options.untilItBegins) clearTimeout(timer);
  return response;
}

/** The text of a stream, as it comes; an error where it is silent for too long. */
export async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>).getReader();
  let watch: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      const silent = new Promise<never>((_, fail) => (watch = setTimeout(() => fail(timedOut()), SILENCE)));
      const { value, done } = await Promise.race([reader.read(), silent]);
      clearTimeout(watch);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(watch);
    void reader.cancel().catch(() => undefined);
  }
}
