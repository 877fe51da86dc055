/** A value and how it is shown, in lists and among facts. */
export type Kind = "text" | "money" | "time" | "day" | "status" | "id" | "number" | "percent" | "bytes";

export interface Cell {
  kind?: Kind | undefined;
  value: string | number | boolean | null | undefined;
  currency?: string | null | undefined;
  href?: string | undefined;
  /** In small letters below. */
  note?: string | null | undefined;
}

export interface Column<T> {
  label: string;
  cell: (row: T) => Cell | string | number | null | undefined;
  kind?: Kind;
  right?: boolean;
}

export function cellOf<T>(column: Column<T>, row: T): Cell {
  const cell = column.cell(row);
  if (typeof cell === "object" && cell !== null) return { ...cell, kind: cell.kind ?? column.kind };
  return { kind: column.kind, value: cell };
}
