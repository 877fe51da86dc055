/** Whether the server answers. Every request reports here; while it does not, one small probe asks now and then. */
class Connection {
  isAway = $state(false);
  /** When it last answered. */
  seenAt = $state(Date.now());
  #probe: ReturnType<typeof setTimeout> | undefined;

  answered(): void {
    this.seenAt = Date.now();
    this.isAway = false;
  }

  unreached(): void {
    this.isAway = true;
    this.#ask(1_000);
  }

  #ask(after: number): void {
    if (this.#probe !== undefined) return;
    this.#probe = setTimeout(async () => {
      this.#probe = undefined;
      if (!this.isAway) return;
      try {
        await fetch("/health", { cache: "no-store", credentials: "omit" });
        this.answered();
      } catch {
        this.#ask(Math.min(after * 1.5, 15_000));
      }
    }, after);
  }
}

export const connection = new Connection();
