/** Which version of a campaign's terms holds for whom, as decisions 0051 and 0101 have it. */
import type { Schemas } from "./api";

type Version = Pick<Schemas["TermsView"], "version" | "worsens" | "effective_at" | "in_force">;

const since = (it: Version) => Date.parse(it.effective_at);

/**
 * Those that a new version, in force from then on or at once, does not replace before they are in force themselves. Which is in force says
 * the API: this machine's clock may be another than the services'.
 */
export function notReplaced<V extends Version>(versions: readonly V[], from: string | undefined): V[] {
  const inForce = versions.find((it) => it.in_force)?.version ?? 0;
  const isEarlier = (it: Version) => from !== undefined && since(it) < Date.parse(from);
  return versions.filter((it) => it.version <= inForce || isEarlier(it));
}

/** The version that holds for who accepted one, once all are in force: each next one by itself, up to the first that worsens something. */
export function heldBy(accepted: number, versions: readonly Version[]): number {
  const isReplaced = (it: Version) => versions.some((later) => later.version > it.version && since(later) <= since(it));
  const [next] = versions.filter((it) => it.version > accepted && !isReplaced(it)).sort((a, b) => a.version - b.version);
  return next?.worsens === false ? heldBy(next.version, versions) : accepted;
}

export interface Moved {
  /** Partners who have a new version by themselves. */
  moving: number;
  /** How many keep which version, the newest first. */
  keeping: { version: number; count: number }[];
}

/** What a version behind the last of these changes for those who are enrolled. */
export function moved(accepted: readonly (number | null | undefined)[], versions: readonly Version[], worsens: boolean): Moved {
  const last = Math.max(0, ...versions.map((it) => it.version));
  const counts = new Map<number, number>();
  for (const version of accepted) {
    const held = heldBy(version ?? 1, versions);
    counts.set(held, (counts.get(held) ?? 0) + 1);
  }
  const moving = worsens ? 0 : (counts.get(last) ?? 0);
  if (!worsens) counts.delete(last);
  const keeping = [...counts].map(([version, count]) => ({ version, count })).sort((a, b) => b.version - a.version);
  return { moving, keeping };
}
