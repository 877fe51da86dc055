/** Money, numbers and dates as the reader's locale has them. */
const locale = navigator.languages.length > 0 ? [...navigator.languages] : undefined;

const currencies = new Map<string, Intl.NumberFormat>();

/** An amount as the API has it, a decimal text: it is never made a binary fraction. */
export function money(amount: string | null | undefined, currency: string | null | undefined): string {
  if (amount === null || amount === undefined) return "–";
  if (!currency) return amount;
  try {
    // As many as the ledger has: browsers show some currencies with fewer.
    const digits = (amount.split(".")[1] ?? "").length;
    const kind = `${currency}${digits}`;
    let format = currencies.get(kind);
    if (!format) {
      const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      format = new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "symbol", ...fraction });
      currencies.set(kind, format);
    }
    return format.format(amount as `${number}`);
  } catch {
    return `${amount} ${currency}`;
  }
}

/** For the axis of a chart. */
export function shortMoney(value: number, currency: string): string {
  try {
    const few = { style: "currency", currency, currencyDisplay: "symbol", notation: "compact", maximumFractionDigits: 1 } as const;
    return new Intl.NumberFormat(locale, few).format(value);
  } catch {
    return number(value);
  }
}

const whole = new Intl.NumberFormat(locale);
export const number = (value: number): string => whole.format(value);
/** A count that came as text. */
export const wholeNumber = (text: string): string => whole.format(text as `${number}`);

const percentage = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 });
/** Basis points. */
export const percent = (bps: number): string => percentage.format(bps / 10_000);

const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const days = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: "UTC" });

export const moment = (text: string): string => moments.format(new Date(text));
export const exactly = (text: string): string => exact.format(new Date(text));
export const time = (text: string): string => clock.format(new Date(text));
export const day = (text: string): string => days.format(new Date(text));

/** A code of the API's, such as `needs_attention`, for people. */
export function words(code: string): string {
  const text = code.replace(/[_.]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Milliseconds between two moments. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${Math.round(milliseconds / 3_600_000)} h`;
}

export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${whole.format(Math.round(value * 10) / 10)} ${units[unit]}`;
}

/** Sums decimal texts exactly, in the digits of the longest fraction. */
export function sum(amounts: readonly string[]): string {
  const digits = Math.max(0, ...amounts.map((it) => (it.split(".")[1] ?? "").length));
  let total = 0n;
  for (const amount of amounts) {
    const [units = "0", fraction = ""] = amount.replace("-", "").split(".");
    const value = BigInt(units + fraction.padEnd(digits, "0"));
    total += amount.startsWith("-") ? -value : value;
  }
  const text = (total < 0n ? -total : total).toString().padStart(digits + 1, "0");
  const split = text.length - digits;
  return (total < 0n ? "-" : "") + text.slice(0, split) + (digits > 0 ? `.${text.slice(split)}` : "");
}

/** What others write is a link only where it is an address of the web. */
export function web(url: string | null | undefined): string | undefined {
  return url && /^https?:\/\//i.test(url) ? url : undefined;
}
