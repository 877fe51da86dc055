/** Which page: the address's path under /console, without a hash. */
class Router {
  path = $state(here());
  query = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener("popstate", () => this.#read());
    // Links are links: only their plain clicks are taken.
    document.addEventListener("click", (event) => {
      const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (!plain || event.defaultPrevented || !link || link.target || link.origin !== location.origin) return;
      if (!link.pathname.startsWith("/console/") || link.hash) return;
      event.preventDefault();
      this.go(link.pathname.slice("/console".length) + link.search);
    });
  }

  go(to: string, options: { replace?: boolean } = {}): void {
    const url = `/console${to}`;
    if (options.replace) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
    const before = this.path;
    this.#read();
    if (this.path !== before) scrollTo(0, 0);
  }

  /** Sets or removes a word of the query, such as a filter, without leaving the page. */
  filter(name: string, value: string | undefined): void {
    const query = new URLSearchParams(this.query);
    if (value) query.set(name, value);
    else query.delete(name);
    const text = query.toString();
    this.go(this.path + (text && `?${text}`), { replace: true });
  }

  refresh(): void {
    this.#read();
  }

  #read(): void {
    this.path = here();
    const query = new URLSearchParams(location.search);
    // What reads it asks again: not where nothing has changed.
    if (query.toString() !== this.query.toString()) this.query = query;
  }
}

function here(): string {
  return location.pathname.replace(/^\/console/, "") || "/";
}

export const router = new Router();

export function href(path: string): string {
  return `/console${path}`;
}

/** The named parts of a path such as `/partner/links/:code`; none where it is another. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/\/$/, "").split("/");
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const actual = given[index] ?? "";
    if (part.startsWith(":")) {
      try {
        parts[part.slice(1)] = decodeURIComponent(actual);
      } catch {
        return undefined;
      }
    } else if (part !== actual) return undefined;
  }
  return parts;
}
