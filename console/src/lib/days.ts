import { sum } from "./format";

/** Days as the API names them. Which day it is says the API: this machine's clock may be another than the services'. */
const DAY = 86_400_000;

/** A value for each of the days, zero where nothing was. */
export function byDay<T>(
  days: readonly string[],
  items: readonly T[],
  dayOfItem: (item: T) => string,
  value: (item: T) => string | number,
): { day: string; value: string }[] {
  const values = new Map(days.map((day) => [day, [] as string[]]));
  for (const item of items) values.get(dayOfItem(item))?.push(String(value(item)));
  return days.map((day) => ({ day, value: sum(values.get(day) ?? []) }));
}

/** Every day from one to another. */
export function between(first: string, last: string): string[] {
  const [from, to] = [Date.parse(first), Date.parse(last)];
  return Array.from({ length: Math.max(0, Math.round((to - from) / DAY) + 1) }, (_, index) => new Date(from + index * DAY).toISOString().slice(0, 10));
}
