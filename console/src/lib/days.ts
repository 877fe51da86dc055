/** Days in UTC, as the API counts them. */
const DAY = 86_400_000;

export const today = (): string => new Date().toISOString().slice(0, 10);

/** The last so many days up to today, or up to so many days before. */
export function lastDays(count: number, before = 0): string[] {
  const end = Date.now() - before * DAY;
  return Array.from({ length: count }, (_, index) => new Date(end - (count - 1 - index) * DAY).toISOString().slice(0, 10));
}

/** A value for each of the days, zero where nothing was. */
export function byDay<T>(
  days: readonly string[],
  items: readonly T[],
  dayOfItem: (item: T) => string,
  value: (item: T) => number,
): { day: string; value: number }[] {
  const sums = new Map(days.map((day) => [day, 0]));
  for (const item of items) {
    const day = dayOfItem(item);
    const before = sums.get(day);
    if (before !== undefined) sums.set(day, before + value(item));
  }
  return days.map((day) => ({ day, value: sums.get(day) ?? 0 }));
}

/** Every day from one to another. */
export function between(first: string, last: string): string[] {
  const [from, to] = [Date.parse(first), Date.parse(last)];
  return Array.from({ length: Math.max(0, Math.round((to - from) / DAY) + 1) }, (_, index) => new Date(from + index * DAY).toISOString().slice(0, 10));
}
