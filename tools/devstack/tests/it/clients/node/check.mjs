// Reads every OpenAPI document of a folder (*.json) as stock tools do, makes its TypeScript types beside it (*.ts), and prints
// what is wrong: one JSON object a line, with the document, the rule and the place.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import openapiTS, { astToString } from "openapi-typescript";

const folder = process.argv[2];
const documents = readdirSync(folder).filter((name) => name.endsWith(".openapi.json"));
const tell = (document, rule, place, message) =>
  console.log(JSON.stringify({ document, rule, place, message: String(message) }));

for (const name of documents) {
  const document = JSON.parse(readFileSync(path.join(folder, name), "utf8"));
  const validated = await new Validator().validate(structuredClone(document));
  if (!validated.valid) {
    const errors = Array.isArray(validated.errors) ? validated.errors : [{ message: validated.errors }];
    for (const error of errors) tell(name, "specification", error.instancePath ?? "", error.message);
  }
  try {
    const types = astToString(await openapiTS(document));
    writeFileSync(path.join(folder, name.replace(".openapi.json", ".ts")), types);
  } catch (error) {
    tell(name, "openapi-typescript", "", error);
  }
}

// No licence is named because the owner has chosen none.
const redocly = createRequire(import.meta.url).resolve("@redocly/cli/bin/cli.js");
const options = ["lint", "--extends=recommended", "--skip-rule=info-license", "--format=json", "--max-problems=1000"];
const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
for (const name of documents) {
  const linted = spawnSync(process.execPath, [redocly, ...options, name], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env,
  });
  if (!linted.stdout) throw new Error(`redocly: ${linted.stderr}`);
  for (const { ruleId, severity, message, location } of JSON.parse(linted.stdout).problems) {
    // A redirect has no 2xx.
    if (ruleId === "operation-2xx-response" && location[0].pointer.startsWith("#/paths/~1c~1{code}/")) continue;
    tell(name, `${ruleId} (${severity})`, location[0].pointer, message);
  }
}
