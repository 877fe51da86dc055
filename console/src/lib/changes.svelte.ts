/** What was done here: every live list asks again after it, and a person is told in a line. */
class Changes {
  count = $state(0);
  notices = $state<{ id: number; text: string }[]>([]);

  done(text: string): void {
    this.count += 1;
    const id = this.count;
    this.notices.push({ id, text });
    setTimeout(() => {
      this.notices = this.notices.filter((notice) => notice.id !== id);
    }, 6_000);
  }
}

export const changes = new Changes();
