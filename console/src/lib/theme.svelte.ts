/** Light or dark: the system's, until somebody chooses. */
export type Theme = "system" | "light" | "dark";
const NAME = "tributary.theme";

function kept(): Theme {
  const text = localStorage.getItem(NAME);
  return text === "light" || text === "dark" ? text : "system";
}

class Chosen {
  theme = $state<Theme>(kept());

  constructor() {
    this.#show();
  }

  choose(theme: Theme): void {
    this.theme = theme;
    if (theme === "system") localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, theme);
    this.#show();
  }

  #show(): void {
    if (this.theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.theme;
  }
}

export const chosen = new Chosen();
