/** What is shown and kept up to date while somebody looks. */
import { untrack } from "svelte";
import { changes } from "./changes.svelte";
import { connection } from "./connection.svelte";
import { Failure, asFailure } from "./failure";
import { feed } from "./feed.svelte";

/** By itself, in milliseconds: where nothing tells what happens, and where the feed does. */
const EVERY = 4_000;
const BESIDE_THE_FEED = 20_000;
const SLOWEST = 60_000;

export class Live<T> {
  data = $state.raw<T>();
  failure = $state.raw<Failure>();
  isLoading = $state(true);
  /** When `data` was last confirmed. */
  at = $state(0);
  #reload: () => void = () => undefined;

  /** Whether what is shown may be out of date. */
  get isStale(): boolean {
    return this.data !== undefined && (this.failure !== undefined || connection.isAway);
  }

  /** Asks again now. */
  reload(): void {
    this.#reload();
  }

  _of(reload: () => void): void {
    this.#reload = reload;
  }
}

/** For `every`: when somebody asks, and not by itself. */
export const WHEN_ASKED = Infinity;

/**
 * Loads, and loads again every few seconds while the page is visible; slower and slower while it fails. `load` is called anew
 * when what it reads changes. To be called while a component is made. A sum of many is not made anew for each of them: it is asked for
 * at its pace alone. One that forgets shows nothing of before when what `load` reads changes.
 */
export function live<T>(
  load: (signal: AbortSignal) => Promise<T>,
  every?: number | (() => number),
  options: { isSum?: boolean; forgets?: boolean } = {},
): Live<T> {
  const shown = new Live<T>();
  let text: string | undefined;
  $effect(() => {
    const aborter = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const given = typeof every === "function" ? every() : every;
    const pace = () => given ?? (feed.isOpen ? BESIDE_THE_FEED : EVERY);
    let wait = untrack(pace);
    let isUnderWay = false;
    let again = false;
    const ask = async (first?: Promise<T>) => {
      if (isUnderWay) {
        again = true;
        return;
      }
      clearTimeout(timer);
      isUnderWay = true;
      try {
        const data = await (first ?? load(aborter.signal));
        if (aborter.signal.aborted) return;
        const fresh = JSON.stringify(data);
        if (fresh !== text) {
          text = fresh;
          shown.data = data;
        }
        shown.at = Date.now();
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
      if (again) {
        again = false;
        void ask();
      } else if (wait !== WHEN_ASKED) {
        timer = setTimeout(tick, wait);
      }
    };
    const tick = () => {
      if (document.visibilityState === "visible") void ask();
      else timer = setTimeout(tick, untrack(pace));
    };
    const onVisible = () => {
      if (document.visibilityState === "visible" && untrack(pace) !== WHEN_ASKED) void ask();
    };
    shown._of(() => void ask());
    document.addEventListener("visibilitychange", onVisible);
    shown.isLoading = true;
    if (options.forgets) {
      shown.data = undefined;
      shown.failure = undefined;
      text = undefined;
    }
    // Called here, so that this runs again when what it reads changes.
    void ask(load(aborter.signal));
    return () => {
      aborter.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  });
  // What failed for want of a server is asked again once it is back.
  $effect(() => {
    if (!connection.isAway && shown.failure?.isAway) untrack(() => shown.reload());
  });
  // And so is everything when something was changed here, or happened elsewhere.
  $effect(() => {
    if (every !== WHEN_ASKED && (changes.count > 0 || (!options.isSum && feed.count > 0))) untrack(() => shown.reload());
  });
  return shown;
}
