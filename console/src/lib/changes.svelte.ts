/** What was done here: every live list asks again after it, and a person is told in a line. */
class Changes {
  count = $state(0);
  notices = $state<{ id: number; text: string }[]>([]);

  #last = 0;

  done(text: string): void {
    this.count += 1;
    this.#notice(text, 6_000);
  }

  /** Of what nobody looks at any more. */
  refused(text: string): void {
    this.#notice(text, 20_000);
  }

  #notice(text: string, milliseconds: number): void {
    this.#last += 1;
    const id = this.#last;
    this.notices.push({ id, text });
    setTimeout(() => {
      this.notices = this.notices.filter((notice) => notice.id !== id);
    }, milliseconds);
  }
}

export const changes = new Changes();
