/** What the bff has as comma separated values, as a file. */
import { send } from "./api";
import { away, failureOf } from "./failure";

/** Saves what a path answers with under a name. */
export async function download(path: string, name: string): Promise<void> {
  const request = new Request(`${location.origin}${path}`, { headers: { accept: "text/csv" }, credentials: "omit", cache: "no-store" });
  const response = await send(request, { isLong: true });
  if (!response.ok) throw failureOf(response, await response.json().catch(() => undefined));
  const body = await response.blob().catch(() => {
    throw away();
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(body);
  link.download = name;
  link.click();
  // Not at once: the browser has to begin first.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
