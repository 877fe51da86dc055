/** The dialogs that ask for something: while one is open, what it is about stays as it is shown. */
import { untrack } from "svelte";

class Dialogs {
  #count = $state(0);

  get isOpen(): boolean {
    return this.#count > 0;
  }

  /** One more, until what it returns is called. */
  open(): () => void {
    untrack(() => (this.#count += 1));
    return () => untrack(() => (this.#count -= 1));
  }
}

export const dialogs = new Dialogs();
