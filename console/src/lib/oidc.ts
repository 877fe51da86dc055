/** OpenID Connect: the authorization code flow with PKCE (RFC 7636), as a public client. */
import { Failure } from "./failure";
import { READ, limited } from "./patience";

export interface Provider {
  issuer: string;
  client_id: string;
  scopes: string;
  audience?: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken?: string | undefined;
  expiresIn: number;
}

/** The provider knows nobody in this browser. */
export class NoSession extends Error {}

interface Discovered {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

/** What has to outlive the way to the provider and back: no token, and gone once it is used. */
interface Pending {
  state: string;
  verifier: string;
  path: string;
}

const PENDING = "tributary.signing-in";
const CALLBACK = "/console/callback";

/** `away`: it may answer later. */
function refused(message: string, why: "refused" | "away" = "refused"): Failure {
  return new Failure({ status: why === "away" ? -1 : 401, code: "sign_in_failed", message });
}

/** Of the provider's, which may be away; nothing of it is waited for without an end. */
const ask = (url: string, init: RequestInit = {}): Promise<Response | undefined> => limited(url, init, READ).catch(() => undefined);

async function discover(provider: Provider): Promise<Discovered> {
  const base = provider.issuer.replace(/\/$/, "");
  const answer = await ask(`${base}/.well-known/openid-configuration`);
  if (!answer?.ok) throw refused("The identity provider cannot be reached.", "away");
  const document = (await answer.json()) as Discovered;
  if (document.issuer !== provider.issuer) {
    throw refused("The identity provider calls itself something else than it is called here.");
  }
  return document;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

/** Leaves for the provider; silently, it answers without asking the person, or that it would have to. */
export async function begin(provider: Provider, options: { silent: boolean }): Promise<void> {
  const { authorization_endpoint } = await discover(provider);
  const path = location.pathname === CALLBACK ? "/console/" : location.pathname + location.search;
  const pending: Pending = { state: random(), verifier: random(), path };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const url = new URL(authorization_endpoint);
  const query: Record<string, string> = {
    response_type: "code",
    client_id: provider.client_id,
    redirect_uri: location.origin + CALLBACK,
    scope: provider.scopes,
    state: pending.state,
    code_challenge: await challenge(pending.verifier),
    code_challenge_method: "S256",
  };
  if (provider.audience !== undefined) query["audience"] = provider.audience;
  if (options.silent) query["prompt"] = "none";
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  location.assign(url);
}

export function isCallback(query: URLSearchParams): boolean {
  return location.pathname === CALLBACK && query.has("state");
}

/** Back from the provider: the code, used once, for tokens. */
export async function finish(provider: Provider, query: URLSearchParams): Promise<Tokens> {
  const text = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  const pending = text === null ? undefined : (JSON.parse(text) as Pending);
  // The code is in no address that can be gone back to.
  history.replaceState(null, "", pending?.path ?? "/console/");
  if (!pending || query.get("state") !== pending.state) {
    throw refused("This sign-in was not begun here. Please try again.");
  }
  const error = query.get("error");
  if (error === "login_required" || error === "interaction_required" || error === "consent_required") throw new NoSession();
  if (error !== null) throw refused(query.get("error_description") ?? `The identity provider refused: ${error}`);
  return exchange(provider, {
    grant_type: "authorization_code",
    code: query.get("code") ?? "",
    redirect_uri: location.origin + CALLBACK,
    code_verifier: pending.verifier,
  });
}

export function refresh(provider: Provider, refreshToken: string): Promise<Tokens> {
  return exchange(provider, { grant_type: "refresh_token", refresh_token: refreshToken });
}

async function exchange(provider: Provider, parameters: Record<string, string>): Promise<Tokens> {
  const { token_endpoint } = await discover(provider);
  const body = new URLSearchParams({ client_id: provider.client_id, ...parameters });
  const answer = await ask(token_endpoint, { method: "POST", body });
  if (!answer || answer.status === 429 || answer.status >= 500) throw refused("The identity provider cannot be reached.", "away");
  const given = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const token = given["access_token"];
  if (!answer.ok || typeof token !== "string") throw refused("The identity provider gave no token.");
  const refreshToken = given["refresh_token"];
  const lifetime = given["expires_in"];
  return {
    accessToken: token,
    refreshToken: typeof refreshToken === "string" ? refreshToken : undefined,
    expiresIn: typeof lifetime === "number" ? lifetime : 300,
  };
}

/** Ends the session at the provider, where it offers that. */
export async function end(provider: Provider): Promise<void> {
  const { end_session_endpoint } = await discover(provider);
  if (end_session_endpoint === undefined) return;
  const url = new URL(end_session_endpoint);
  url.searchParams.set("client_id", provider.client_id);
  url.searchParams.set("post_logout_redirect_uri", `${location.origin}/console/`);
  location.assign(url);
}
