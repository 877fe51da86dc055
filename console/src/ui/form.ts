/** The fields of a form, and what was filled in. */
import { localTime, momentOf } from "../lib/moments";

export interface Option {
  value: string;
  label: string;
}

export interface Field {
  name: string;
  label: string;
  /** `hidden`: what is sent with the others, as it was when the form was opened. */
  type?: "text" | "textarea" | "select" | "checks" | "check" | "number" | "url" | "email" | "datetime" | "code" | "hidden";
  options?: readonly Option[];
  value?: string | boolean | readonly string[] | undefined;
  /** What a field of date and time begins with, as the API has it. */
  moment?: string | null | undefined;
  required?: boolean;
  hint?: string;
  placeholder?: string;
  /** Which field of the request's body it is, where that has another name. */
  pointer?: string;
  /** Only where this holds. */
  when?: (values: Values) => boolean;
}

export type Raw = Record<string, string | boolean | string[]>;

/** What was filled in; an empty field is one that was not. */
export class Values {
  readonly raw: Raw;
  readonly #began: Raw;

  /** `began`: what the form showed when it was opened. */
  constructor(raw: Raw, began: Raw = {}) {
    this.raw = raw;
    this.#began = began;
  }

  /** Whether a text, or what was checked, is another than the form began with. */
  differs(name: string): boolean {
    const value = this.raw[name];
    if (typeof value === "boolean") return value !== (this.#began[name] === true);
    return this.text(name) !== new Values(this.#began).text(name);
  }

  /** A text where it is another than the form began with: what was only shown is not sent back. */
  changed(name: string): string | undefined {
    return this.differs(name) ? this.text(name) : undefined;
  }

  /** Whether a text was there and is empty now. */
  isCleared(name: string): boolean {
    return this.differs(name) && this.text(name) === undefined;
  }

  text(name: string): string | undefined {
    const value = this.raw[name];
    const text = typeof value === "string" ? value.trim() : "";
    return text === "" ? undefined : text;
  }

  need(name: string): string {
    return this.text(name) ?? "";
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  flag(name: string): boolean {
    return this.raw[name] === true;
  }

  /** What was checked, or the parts of a text. */
  list(name: string, between = /[\s,]+/): string[] {
    const value = this.raw[name];
    if (Array.isArray(value)) return value;
    const parts = (this.text(name) ?? "").split(between).map((part) => part.trim());
    return parts.filter((part) => part !== "");
  }

  /** A moment of the reader's own time zone, as the API has moments. `before`: what it was. */
  moment(name: string, before?: string | null): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : momentOf(text, before);
  }
}

export function initial(fields: readonly Field[]): Raw {
  const raw: Raw = {};
  for (const field of fields) {
    if (field.type === "check") raw[field.name] = field.value === true;
    else if (field.type === "checks") raw[field.name] = Array.isArray(field.value) ? [...(field.value as string[])] : [];
    else if (field.type === "select" && field.value === undefined) raw[field.name] = field.options?.[0]?.value ?? "";
    else if (field.type === "datetime") raw[field.name] = localTime(field.moment) ?? "";
    else raw[field.name] = typeof field.value === "string" ? field.value : "";
  }
  return raw;
}

export const options = (values: readonly string[], label: (value: string) => string): Option[] =>
  values.map((value) => ({ value, label: label(value) }));
