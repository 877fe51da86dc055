/** Whether the server answers. Every request reports here; while it does not, and where one takes long, one small probe asks now and then. */
import { DOUBT, limited } from "./patience";

const SOON = 1_000;

class Connection {
  isAway = $state(false);
  /** When it last answered. */
  seenAt = $state(Date.now());
  #next: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;

  answered(): void {
    this.seenAt = Date.now();
    this.isAway = false;
  }

  unreached(): void {
    this.isAway = true;
    this.#askIn(SOON);
  }

  /** Something takes long: a server that is stopped refuses nothing, and answers nothing. */
  doubt(): void {
    void this.#ask(SOON);
  }

  #askIn(wait: number): void {
    if (this.#next !== undefined) return;
    this.#next = setTimeout(() => {
      this.#next = undefined;
      if (this.isAway) void this.#ask(wait);
    }, wait);
  }

  async #ask(wait: number): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await limited("/health", { cache: "no-store", credentials: "omit" }, DOUBT);
      this.answered();
    } catch {
      this.isAway = true;
      this.#askIn(Math.min(wait * 1.5, 15_000));
    } finally {
      this.#isAsking = false;
    }
  }
}

export const connection = new Connection();
