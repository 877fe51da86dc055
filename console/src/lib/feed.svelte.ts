/**
 * What happens, as it happens: while a page is visible and somebody is signed in, one stream of the server's events. Each tells live lists to
 * ask again; while there is no stream they ask by themselves.
 */
import { send } from "./api";
import { connection } from "./connection.svelte";
import { session } from "./session.svelte";
import { events } from "./sse";

/** Events come in bursts: one request leads to several. */
const GATHER = 500;
const AGAIN = 1_000;
const SLOWEST = 15_000;

/** Up to where a stream was heard. */
interface Place {
  cursor: string | undefined;
}

class Feed {
  isOpen = $state(false);
  /** Counts what was heard of. */
  count = $state(0);
  #gathering: ReturnType<typeof setTimeout> | undefined;

  /**
   * Listens until it is told to stop, from now on: what is live asks anew when somebody looks again, and to be sent all that happened since
   * would hold up what happens then.
   */
  async listen(signal: AbortSignal): Promise<void> {
    const place: Place = { cursor: undefined };
    let wait = AGAIN;
    while (!signal.aborted) {
      const heard = await this.#read(place, signal).catch(() => false);
      this.isOpen = false;
      wait = heard ? AGAIN : Math.min(wait * 2, SLOWEST);
      if (!signal.aborted) await new Promise((done) => setTimeout(done, wait));
    }
  }

  async #read(place: Place, signal: AbortSignal): Promise<boolean> {
    const headers = place.cursor === undefined ? undefined : { "last-event-id": place.cursor };
    const url = new URL("/api/v1/events/stream", location.origin);
    const answer = await send(new Request(url, { headers, signal, cache: "no-store", credentials: "omit" }), { isLong: true });
    // A cursor that the server does not know, after its data was removed: from now on.
    if (answer.status === 400) place.cursor = undefined;
    if (!answer.ok || !answer.body) return false;
    this.isOpen = true;
    for await (const { id, data } of events(answer.body)) {
      connection.answered();
      // Where it begins is the first that it says: what is live may have asked before that.
      const begins = id !== undefined && place.cursor === undefined;
      if (id !== undefined) place.cursor = id;
      if (begins || data !== "") this.#heard();
    }
    return true;
  }

  #heard(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.count += 1;
    }, GATHER);
  }
}

export const feed = new Feed();

/** Listens while somebody is signed in and looks. To be called while the page is made. */
export function listenWhileVisible(): void {
  $effect(() => {
    if (session.phase !== "signed-in") return;
    let aborter: AbortController | undefined;
    const follow = () => {
      if (document.visibilityState === "visible" && !aborter) {
        aborter = new AbortController();
        void feed.listen(aborter.signal);
      } else if (document.visibilityState !== "visible") {
        aborter?.abort();
        aborter = undefined;
      }
    };
    document.addEventListener("visibilitychange", follow);
    follow();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      aborter?.abort();
    };
  });
}
