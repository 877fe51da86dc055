/** Moments of the API, and the times of day that a reader's clocks show: in an autumn night an hour of them comes twice. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** For a field of date and time. */
export function localTime(moment: string | null | undefined): string | undefined {
  if (!moment) return undefined;
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

/** Every moment at which clocks here show it, the earlier first; where they leave the hour out, the one that browsers take. */
export function momentsOf(text: string): string[] {
  const taken = new Date(text).getTime();
  const other = [taken - HOUR, taken + HOUR].filter((it) => localTime(new Date(it).toISOString()) === text.slice(0, 16));
  return [taken, ...other].sort((a, b) => a - b).map((it) => new Date(it).toISOString());
}

/** Where there are two, the one by the clocks of `before`; without that the earlier. */
export function momentOf(text: string, before?: string | null): string {
  const all = momentsOf(text);
  const offset = before ? new Date(before).getTimezoneOffset() : undefined;
  return all.find((it) => new Date(it).getTimezoneOffset() === offset) ?? all[0] ?? "";
}
