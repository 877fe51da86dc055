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

class Feed {
  isOpen = $state(false);
  /** Counts what was heard of. */
  count = $state(0);
  #cursor: string | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;

  /** Listens until it is told to stop. */
  async listen(signal: AbortSignal): Promise<void> {
    let wait = AGAIN;
    while (!signal.aborted) {
      const heard = await this.#read(signal).catch(() => false);
      this.isOpen = false;
      wait = heard ? AGAIN : Math.min(wait * 2, SLOWEST);
      if (!signal.aborted) await new Promise((done) => setTimeout(done, wait));
    }
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const headers = this.#cursor === undefined ? undefined : { "last-event-id": this.#cursor };
    const url = new URL("/api/v1/events/stream", location.origin);
    const answer = await send(new Request(url, { headers, signal, cache: "no-store", credentials: "omit" }), { isLong: true });
    // A cursor that the server does not know, after its data was removed: from now on.
    if (answer.status === 400) this.#cursor = undefined;
    if (!answer.ok || !answer.body) return false;
    this.isOpen = true;
    for await (const { id, data } of events(answer.body)) {
      connection.answered();
      if (id !== undefined) this.#cursor = id;
      if (data !== "") this.#heard();
    }
    return true;
  }

  #heard(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.count += 1;
    }, GATHER);
  }

  /** Of whoever signs in next nothing is known. */
  forget(): void {
    this.#cursor = undefined;
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
      feed.forget();
    };
  });
}
