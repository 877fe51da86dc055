/**
 * Who is signed in. The token is in this module's memory and nowhere else; what is kept for a reload is only how the
 * person signed in, never with what.
 */
import { Failure, asFailure, failureOf } from "./failure";
import * as oidc from "./oidc";

export type Role = "partner" | "brand" | "operator";
export const ROLES: readonly Role[] = ["partner", "brand", "operator"];

export interface Me {
  subject: string;
  roles: string[];
  partner_id?: string | null;
  brand_id?: string | null;
  email?: string | null;
  /** How far the services' time is from real time, where somebody moved it. */
  test_clock?: string | null;
}

interface Config {
  oidc: oidc.Provider | null;
  demo: boolean;
}

/** In this tab's session storage: `oidc`, or one of the demo's people. No secret. */
const REMEMBERED = "tributary.signed-in-as";

class Session {
  config = $state.raw<Config>();
  me = $state.raw<Me>();
  role = $state<Role>("partner");
  failure = $state.raw<Failure>();
  phase = $state<"starting" | "signed-out" | "signing-in" | "signed-in">("starting");
  #token: string | undefined;
  #refreshToken: string | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  /** Raised when somebody signs in or out: what was asked for before is nobody's any more. */
  #generation = 0;

  /** The roles that the person has, of those that have pages. */
  get roles(): Role[] {
    return ROLES.filter((role) => this.me?.roles.includes(role));
  }

  authorization(): string | undefined {
    return this.#token === undefined ? undefined : `Bearer ${this.#token}`;
  }

  async start(): Promise<void> {
    try {
      const answer = await fetch("/console/config.json", { cache: "no-store" });
      if (!answer.ok) throw failureOf(answer, undefined);
      this.config = (await answer.json()) as Config;
    } catch (error) {
      this.failure = asFailure(error);
      this.phase = "signed-out";
      return;
    }
    const query = new URLSearchParams(location.search);
    const provider = this.config.oidc;
    if (provider && oidc.isCallback(query)) {
      await this.#take(() => oidc.finish(provider, query), "oidc");
      return;
    }
    const wanted = query.get("as") ?? sessionStorage.getItem(REMEMBERED);
    if (query.has("as")) history.replaceState(null, "", location.pathname);
    if (provider && wanted === "oidc") {
      await this.#begin(provider, { silent: true });
    } else if (this.config.demo && isRole(wanted)) {
      await this.signInAs(wanted);
    } else {
      this.phase = "signed-out";
    }
  }

  /** As one of the demo's people. */
  signInAs(role: Role): Promise<void> {
    return this.#take(() => tokensOf(role), role);
  }

  /** At the provider: leaves this page. */
  async signIn(): Promise<void> {
    const provider = this.config?.oidc;
    if (!provider) return;
    this.phase = "signing-in";
    await this.#begin(provider, { silent: false });
  }

  async #begin(provider: oidc.Provider, options: { silent: boolean }): Promise<void> {
    try {
      await oidc.begin(provider, options);
    } catch (error) {
      this.failure = asFailure(error);
      this.phase = "signed-out";
    }
  }

  async signOut(): Promise<void> {
    const wasAtProvider = sessionStorage.getItem(REMEMBERED) === "oidc";
    this.#forget();
    this.failure = undefined;
    const provider = this.config?.oidc;
    if (wasAtProvider && provider) await oidc.end(provider).catch(() => undefined);
  }

  /** Where the test clock stands now. Only the local profile has one, and the demo's people with it. */
  async lookAtClock(): Promise<void> {
    const token = this.#token;
    if (!this.config?.demo || token === undefined || document.hidden) return;
    const answer = await fetch("/api/v1/me", { headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
    if (answer?.ok && token === this.#token) this.me = (await answer.json()) as Me;
  }

  /** The server takes the token no more. */
  expired(): void {
    if (this.phase !== "signed-in") return;
    this.#forget();
    this.failure = new Failure({ status: 401, code: "unauthorized", message: "Your session has ended. Please sign in again." });
  }

  #forget(): void {
    this.#generation += 1;
    clearTimeout(this.#renewal);
    this.#token = undefined;
    this.#refreshToken = undefined;
    this.me = undefined;
    sessionStorage.removeItem(REMEMBERED);
    this.phase = "signed-out";
  }

  async #take(get: () => Promise<oidc.Tokens>, how: string): Promise<void> {
    this.#generation += 1;
    this.phase = "signing-in";
    this.failure = undefined;
    try {
      this.#hold(await get(), how);
      const answer = await fetch("/api/v1/me", { headers: { authorization: this.authorization() ?? "" } });
      const body: unknown = await answer.json().catch(() => undefined);
      if (!answer.ok) throw failureOf(answer, body);
      this.me = body as Me;
      const role = this.roles.find((role) => role === how) ?? this.roles[0];
      if (!role) {
        throw new Failure({
          status: 403,
          code: "forbidden",
          message: "Your account has none of the roles partner, brand and operator.",
        });
      }
      this.role = role;
      sessionStorage.setItem(REMEMBERED, how);
      this.phase = "signed-in";
    } catch (error) {
      this.#forget();
      // The provider had no session to go on with: no failure, the person has to say who they are.
      if (!(error instanceof oidc.NoSession)) this.failure = asFailure(error);
    }
  }

  #hold(tokens: oidc.Tokens, how: string): void {
    this.#token = tokens.accessToken;
    this.#refreshToken = tokens.refreshToken ?? this.#refreshToken;
    clearTimeout(this.#renewal);
    const seconds = Math.max(tokens.expiresIn * 0.8, 10);
    this.#renewal = setTimeout(() => void this.#renew(how), Math.min(seconds * 1000, 2 ** 31 - 1));
  }

  async #renew(how: string): Promise<void> {
    const generation = this.#generation;
    const [provider, refreshToken] = [this.config?.oidc, this.#refreshToken];
    try {
      let tokens: oidc.Tokens;
      if (isRole(how)) tokens = await tokensOf(how);
      else if (provider && refreshToken !== undefined) tokens = await oidc.refresh(provider, refreshToken);
      else return;
      if (generation === this.#generation) this.#hold(tokens, how);
    } catch {
      if (generation !== this.#generation) return;
      // Tried again while the token is still good; after that a 401 ends the session.
      this.#renewal = setTimeout(() => void this.#renew(how), 10_000);
    }
  }
}

/** For one of the demo's people. */
async function tokensOf(role: Role): Promise<oidc.Tokens> {
  const answer = await fetch(`/console/sign-in/${role}`, { method: "POST" });
  const body: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw failureOf(answer, body);
  const { token, expires_in } = body as { token: string; expires_in: number };
  return { accessToken: token, expiresIn: expires_in };
}

function isRole(text: string | null): text is Role {
  return ROLES.some((role) => role === text);
}

export const session = new Session();
