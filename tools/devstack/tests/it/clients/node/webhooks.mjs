// Verifies webhooks that were received, one a line, with the public library: `node webhooks.mjs FILE SECRET WRONG_SECRET`.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const [file, secret, wrong] = process.argv.slice(2);
let verified = 0;
for (const line of readFileSync(file, "utf8").trim().split("\n")) {
  const { headers, body } = JSON.parse(line);
  const event = new Webhook(secret).verify(body, headers);
  if (typeof event.type !== "string") throw new Error(`no type: ${body}`);
  let refused = false;
  try {
    new Webhook(wrong).verify(body, headers);
  } catch {
    refused = true;
  }
  if (!refused) throw new Error("another secret verifies it");
  verified += 1;
}
console.log(verified);
