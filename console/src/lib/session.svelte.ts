/**
 * Who is signed in. The token is in this module's memory and nowhere else; what is kept for a reload is only how the
 * person signed in, never with what.
 */
import { Failure, asFailure, failureOf, unauthorized } from "./failure";
import * as oidc from "./oidc";
import { READ, limited } from "./patience";

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

/** Of a token: there is another, there will be none, or nobody could be asked. */
export type Renewal = "renewed" | "refused" | "unreached";

/** In this tab's session storage: `oidc`, or one of the demo's people. No secret. */
const REMEMBERED = "tributary.signed-in-as";

class Session {
  config = $state.raw<Config>();
  me = $state.raw<Me>();
  role = $state<Role>("partner");
  failure = $state.raw<Failure>();
  /** `expired`: what the person sees and has filled in is still there, and goes on once they have signed in again. */
  phase = $state<"starting" | "signed-out" | "signing-in" | "signed-in" | "expired">("starting");
  /** Whether a person whose session has expired is asked to sign in again. */
  isAsking = $state(false);
  #token: string | undefined;
  #refreshToken: string | undefined;
  /** How the person signed in; it stays when the session has expired. */
  #how = "";
  #renewal: ReturnType<typeof setTimeout> | undefined;
  /** By this machine's clock: timers stand still while it sleeps. */
  #renewAt = Infinity;
  #overAt = Infinity;
  #renewing: Promise<Renewal> | undefined;
  /** Raised when somebody signs in or out: what was asked for before is nobody's any more. */
  #generation = 0;

  /** Whether somebody's pages are shown. */
  get isIn(): boolean {
    return this.phase === "signed-in" || this.phase === "expired";
  }

  /** Whose pages they are: another's begin anew. */
  get person(): string {
    const { subject, roles, partner_id, brand_id } = this.me ?? {};
    return JSON.stringify([subject, roles, partner_id, brand_id]);
  }

  /** The roles that the person has, of those that have pages: a partner is one by its id, as a brand is. */
  get roles(): Role[] {
    const { roles = [], partner_id, brand_id } = this.me ?? {};
    const has = { partner: partner_id, brand: brand_id, operator: true };
    return ROLES.filter((role) => roles.includes(role) && has[role]);
  }

  authorization(): string | undefined {
    return this.#token === undefined ? undefined : `Bearer ${this.#token}`;
  }

  async start(): Promise<void> {
    try {
      const answer = await limited("/console/config.json", { cache: "no-store" }, READ);
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
    if (this.phase !== "expired") this.phase = "signing-in";
    await this.#begin(provider, { silent: false });
  }

  async #begin(provider: oidc.Provider, options: { silent: boolean }): Promise<void> {
    try {
      await oidc.begin(provider, options);
    } catch (error) {
      this.failure = asFailure(error);
      if (this.phase !== "expired") this.phase = "signed-out";
    }
  }

  async signOut(): Promise<void> {
    const wasAtProvider = this.#how === "oidc";
    this.#forget();
    this.failure = undefined;
    const provider = this.config?.oidc;
    if (wasAtProvider && provider) await oidc.end(provider).catch(() => undefined);
  }

  /** Where the test clock stands now. Only the local profile has one, and the demo's people with it. */
  async lookAtClock(): Promise<void> {
    const token = this.#token;
    if (!this.config?.demo || token === undefined || document.hidden) return;
    const answer = await limited("/api/v1/me", { headers: { authorization: `Bearer ${token}` } }, READ).catch(() => undefined);
    if (answer?.ok && token === this.#token) this.me = (await answer.json()) as Me;
  }

  /** The server takes the token no more, and there is no other. */
  expired(): void {
    if (this.phase !== "signed-in") return;
    this.#drop();
    this.failure = unauthorized("ended");
    this.phase = "expired";
    this.ask();
  }

  /** Asks a person whose session has expired to sign in again. */
  ask(): void {
    this.isAsking = true;
  }

  #drop(): void {
    this.#generation += 1;
    clearTimeout(this.#renewal);
    this.#renewAt = Infinity;
    this.#token = undefined;
    this.#refreshToken = undefined;
    sessionStorage.removeItem(REMEMBERED);
  }

  #forget(): void {
    this.#drop();
    this.me = undefined;
    this.isAsking = false;
    this.phase = "signed-out";
  }

  async #take(get: () => Promise<oidc.Tokens>, how: string): Promise<void> {
    this.#generation += 1;
    const isAgain = this.phase === "expired";
    if (!isAgain) this.phase = "signing-in";
    this.failure = undefined;
    try {
      this.#hold(await get(), how);
      const answer = await limited("/api/v1/me", { headers: { authorization: this.authorization() ?? "" } }, READ);
      const body: unknown = await answer.json().catch(() => undefined);
      if (!answer.ok) throw failureOf(answer, body);
      const before = this.person;
      this.me = body as Me;
      const role = this.roles.find((role) => role === how) ?? this.roles[0];
      if (!role) {
        throw new Failure({
          status: 403,
          code: "forbidden",
          message: "Your account has none of the roles partner, brand and operator, or not the id of its partner or brand.",
        });
      }
      if (this.person !== before) this.role = role;
      sessionStorage.setItem(REMEMBERED, how);
      this.isAsking = false;
      this.phase = "signed-in";
    } catch (error) {
      // Whoever could not be found out to be the same person sees nothing of before but what is shown already.
      if (isAgain && this.roles.length > 0) this.#drop();
      else this.#forget();
      // The provider had no session to go on with: no failure, the person has to say who they are.
      if (!(error instanceof oidc.NoSession)) this.failure = asFailure(error);
    }
  }

  #hold(tokens: oidc.Tokens, how: string): void {
    this.#token = tokens.accessToken;
    this.#refreshToken = tokens.refreshToken ?? this.#refreshToken;
    this.#how = how;
    this.#overAt = Date.now() + tokens.expiresIn * 1_000;
    this.#renewIn(Math.max(tokens.expiresIn * 0.8, 10));
  }

  #renewIn(seconds: number): void {
    this.#renewAt = Date.now() + seconds * 1_000;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.renew(), Math.min(seconds * 1_000, 2 ** 31 - 1));
  }

  /** Before a request, which waits for another token where this one is over: the timer may be late by all that the machine slept. */
  async keepFresh(): Promise<void> {
    if (Date.now() < this.#renewAt) return;
    const renewal = this.renew();
    if (Date.now() >= this.#overAt) await renewal;
  }

  /** Once for all who wait for it. */
  renew(): Promise<Renewal> {
    return (this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined)));
  }

  async #renew(): Promise<Renewal> {
    const generation = this.#generation;
    const [how, provider, refreshToken] = [this.#how, this.config?.oidc, this.#refreshToken];
    try {
      let tokens: oidc.Tokens;
      if (isRole(how)) tokens = await tokensOf(how);
      else if (provider && refreshToken !== undefined) tokens = await oidc.refresh(provider, refreshToken);
      else {
        this.#renewAt = Infinity;
        return "refused";
      }
      if (generation !== this.#generation) return "refused";
      this.#hold(tokens, how);
      return "renewed";
    } catch (error) {
      if (generation !== this.#generation) return "refused";
      // Tried again: the token may still be good, and where it is not, a 401 ends the session once this is refused.
      this.#renewIn(10);
      const { status } = asFailure(error);
      return status >= 400 && status < 500 && status !== 429 ? "refused" : "unreached";
    }
  }
}

/** For one of the demo's people. */
async function tokensOf(role: Role): Promise<oidc.Tokens> {
  const answer = await limited(`/console/sign-in/${role}`, { method: "POST" }, READ);
  const body: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw failureOf(answer, body);
  const { token, expires_in } = body as { token: string; expires_in: number };
  return { accessToken: token, expiresIn: expires_in };
}

function isRole(text: string | null): text is Role {
  return ROLES.some((role) => role === text);
}

export const session = new Session();
