/** What is shown and kept up to date while somebody looks. */
import { untrack } from "svelte";
import { changes } from "./changes.svelte";
import { connection } from "./connection.svelte";
import { dialogs } from "./dialogs.svelte";
import { Failure, asFailure } from "./failure";
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";

/** By itself, in milliseconds: where nothing tells what happens, and where the feed does. */
export const EVERY = 4_000;
const BESIDE_THE_FEED = 20_000;
const SLOWEST = 60_000;

export class Live<T> {
  data = $state.raw<T>();
  failure = $state.raw<Failure>();
  isLoading = $state(true);
  /** When `data` was last confirmed. */
  at = $state(0);
  #now: () => void = () => undefined;
  #soon: () => void = () => undefined;

  /** Whether what is shown may be out of date. */
  get isStale(): boolean {
    return this.data !== undefined && (this.failure !== undefined || connection.isAway);
  }

  /** Why the API itself does not confirm what is shown; that a session has ended is said above every page. */
  get refusal(): Failure | undefined {
    return this.data !== undefined && this.failure?.isOfApi && session.phase !== "expired" ? this.failure : undefined;
  }

  /** Asks again now. */
  reload(): void {
    this.#now();
  }

  /** Asks again, unless that was done a moment ago: then in a moment. */
  refresh(): void {
    this.#soon();
  }

  _of(now: () => void, soon: () => void): void {
    this.#now = now;
    this.#soon = soon;
  }
}

/** For `every`: when somebody asks, and not by itself. */
export const WHEN_ASKED = Infinity;
/** For `rest`, in milliseconds: what is gathered from all services, or in many rows. */
export const COSTLY = 5_000;

/**
 * Loads, and loads again every few seconds while the page is visible; slower and slower while it fails. `load` is called anew when what it
 * reads changes, and nothing is shown of the answer to another question. To be called while a component is made. A sum of many is not made
 * anew for each of them: it is asked for at its pace alone. What has a `rest` is not asked for again within it, whatever happens. While a
 * dialog is open what is shown stays.
 */
export function live<T>(
  load: (signal: AbortSignal) => Promise<T>,
  every?: number | (() => number),
  { isSum = false, rest = 0 }: { isSum?: boolean; rest?: number } = {},
): Live<T> {
  const shown = new Live<T>();
  /** Shows what came while a dialog was open. */
  let show: (() => void) | undefined;
  $effect(() => {
    const aborter = new AbortController();
    let text: string | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let askedAt = 0;
    const given = typeof every === "function" ? every() : every;
    const pace = () => given ?? (feed.isOpen ? BESIDE_THE_FEED : EVERY);
    let wait = untrack(pace);
    let isUnderWay = false;
    let again: (() => void) | undefined;
    const ask = async (first?: Promise<T>) => {
      if (isUnderWay) {
        again = ask;
        return;
      }
      clearTimeout(timer);
      isUnderWay = true;
      askedAt = Date.now();
      try {
        const data = await (first ?? load(aborter.signal));
        if (aborter.signal.aborted) return;
        const at = Date.now();
        show = () => {
          const fresh = JSON.stringify(data);
          if (fresh !== text) {
            text = fresh;
            shown.data = data;
          }
          shown.at = at;
          show = undefined;
        };
        if (text === undefined || !dialogs.isOpen) show();
        shown.failure = undefined;
        wait = untrack(pace);
      } catch (error) {
        if (aborter.signal.aborted) return;
        shown.failure = asFailure(error);
        if (wait !== WHEN_ASKED) wait = Math.min(wait * 2, SLOWEST);
      } finally {
        isUnderWay = false;
      }
      shown.isLoading = false;
      if (wait !== WHEN_ASKED) timer = setTimeout(tick, wait);
      const next = again;
      again = undefined;
      next?.();
    };
    const soon = () => {
      if (isUnderWay) {
        again ??= soon;
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(tick, Math.max(0, Math.min(askedAt + rest - Date.now(), rest)));
    };
    const tick = () => {
      if (document.visibilityState === "visible") void ask();
      else timer = setTimeout(tick, untrack(pace));
    };
    const onVisible = () => {
      if (document.visibilityState === "visible" && untrack(pace) !== WHEN_ASKED) void ask();
    };
    shown._of(() => void ask(), soon);
    document.addEventListener("visibilitychange", onVisible);
    shown.isLoading = true;
    shown.data = undefined;
    shown.failure = undefined;
    // Called here, so that this runs again when what it reads changes.
    void ask(load(aborter.signal));
    return () => {
      aborter.abort();
      show = undefined;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  });
  $effect(() => {
    if (!dialogs.isOpen) untrack(() => show?.());
  });
  // What failed for want of a server is asked again once it is back, and what failed for want of a session once there is one.
  $effect(() => {
    if (!connection.isAway && shown.failure?.isAway) untrack(() => shown.reload());
  });
  $effect(() => {
    if (session.phase === "signed-in" && untrack(() => shown.failure?.status) === 401) untrack(() => shown.reload());
  });
  if (every === WHEN_ASKED) return shown;
  // And so is everything when something was changed here, or happened elsewhere, since this was made.
  const before = untrack(() => ({ here: changes.count, elsewhere: feed.count }));
  $effect(() => {
    if (changes.count === before.here) return;
    before.here = changes.count;
    untrack(() => shown.reload());
  });
  $effect(() => {
    if (isSum || feed.count === before.elsewhere) return;
    before.elsewhere = feed.count;
    untrack(() => shown.refresh());
  });
  return shown;
}
