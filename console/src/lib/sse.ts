/** Server-sent events, read by `fetch`: `EventSource` cannot show a token. */
import { texts } from "./patience";

/** Longer than any event is. */
const MAX_EVENT = 4 * 1024 * 1024;

export interface ServerEvent {
  /** Where the stream is. */
  id: string | undefined;
  /** Empty of what says only where the stream is, or that it is there. */
  data: string;
}

/** Every block of a stream, also those without data. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let text = "";
  for await (const part of texts(body)) {
    text += part;
    if (text.length > MAX_EVENT) throw new Error("an event without an end");
    let end: number;
    while ((end = text.search(/\r?\n\r?\n/)) >= 0) {
      const lines = text.slice(0, end).split(/\r?\n/);
      text = text.slice(end).replace(/^\r?\n\r?\n/, "");
      const field = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
      yield { id: field("id").at(-1), data: field("data").join("\n") };
    }
  }
}
