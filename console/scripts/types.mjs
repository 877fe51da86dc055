// Makes the types of the public API, and of the operators' routes that each service has under its name, from the checked-in documents.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const root = new URL("../../", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
const out = new URL("../src/api/", import.meta.url);
mkdirSync(out, { recursive: true });

async function write(name, document) {
  writeFileSync(new URL(name, out), astToString(await openapiTS(document)));
}

await write("bff.d.ts", read("bff/openapi.json"));

// One document for all services: which one is a parameter of the path.
const operator = read("crates/operations/operator.json");
const service = { name: "service", in: "path", required: true, schema: { type: "string" } };
const prefix = /^\/api\/v1\/operator\/campaign\//;
operator.paths = Object.fromEntries(
  Object.entries(operator.paths).map(([path, item]) => [
    path.replace(prefix, "/api/v1/operator/{service}/"),
    { ...item, parameters: [...(item.parameters ?? []), service] },
  ]),
);
await write("operator.d.ts", operator);
