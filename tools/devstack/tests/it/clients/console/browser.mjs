// What walks through the console share: a headless Chromium, people who are signed in, and what is looked at on every page.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const test = JSON.parse(process.env.CONSOLE_TEST);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
mkdirSync(test.pictures, { recursive: true });

const browser = await chromium.launch({
  executablePath: test.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"],
});
const problems = [];
const pages = [];
/** What a busy server answers, which pages show and ask again after. */
const BUSY = "status of 503";
/** What may be wrong at this moment: a part of what the browser says. */
let expected = [];
/** Colours are those of the theme, order and size those of the width: these have all of them, and are enough where nobody wants pictures. */
const WITH_AXE = [["light", 1280], ["dark", 360]];
/** As everybody may see a page. */
const EVERY_LOOK = [...WITH_AXE, ["dark", 1280], ["light", 360]];
export const LOOKS = test.wants_pictures ? EVERY_LOOK : WITH_AXE;
/** What was inspected, and how. */
const inspected = [];
/** What pictures there are, or would be if they were wanted. */
export const pictured = new Set();

/** Asks the test for something that only it can do, and waits until it is done. */
export async function please(what) {
  console.log(JSON.stringify({ please: what }));
  const { value } = await answers.next();
  if (value !== "done") throw new Error(`${what}: ${value}`);
}

/** While it runs, the browser may say these things. */
export async function expecting(parts, run) {
  expected = parts;
  try {
    return await run();
  } finally {
    expected = [];
  }
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

/** With a `clock`, time passes as the test says. */
export async function open({ width = 1280, theme = "light", timezoneId = "UTC", clock = false } = {}) {
  const options = { viewport: { width, height: 900 }, colorScheme: theme, locale: "en-US", timezoneId, reducedMotion: "reduce" };
  const context = await browser.newContext(options);
  // Machines that run tests may be busy.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  if (clock) await page.clock.install();
  const note = (text) => {
    if (![BUSY, ...expected].some((part) => text.includes(part))) problems.push(`${page.url()}: ${text}`);
  };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note(message.text());
  });
  page.on("pageerror", (error) => note(String(error)));
  pages.push(page);
  return page;
}

/** One of the demo's people, by the page that anybody sees first. */
export async function signedIn(person, options) {
  const page = await open(options);
  await page.goto(`${test.bff}/console`);
  await page.getByRole("button", { name: new RegExp(`^${person}`, "i") }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}

/** Another page of the console, without loading it again. */
export async function go(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, "", `/console${to}`);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);
  await page.waitForFunction(() => document.querySelector("h1") !== null);
}

/** Until nothing on the page loads. */
export async function loaded(page) {
  await page.waitForFunction(() => document.querySelector("h1") !== null && document.querySelector("[aria-busy=true]") === null);
}

/** Presses a button, fills in what its dialog asks for, and waits until it is done. */
export async function act(page, label, { fields = {}, verb, within = page, look } = {}) {
  await within.getByRole("button", { name: label, exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  for (const [name, value] of Object.entries(fields)) {
    const field = dialog.getByLabel(name).first();
    if ((await field.evaluate((it) => it.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  if (look) await look(dialog);
  await dialog.getByRole("button", { name: verb ?? label, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

export const shows = (page, text) => page.getByText(text).first().waitFor();
export const row = (page, text) => page.getByRole("row").filter({ hasText: text }).first();

/** A picture of the whole page. */
async function picture(page, name) {
  await page.screenshot({ path: `${test.pictures}/${name}.png`, fullPage: true, animations: "disabled" });
}

/** Nothing that keeps people from using a page, and nothing beside it, in the look that the page has. */
export async function inspect(page, shown, look) {
  await loaded(page);
  const named = ([theme, width]) => `${shown}-${width}-${theme}`;
  for (const each of EVERY_LOOK) pictured.add(named(each));
  const [name, withAxe] = [named(look), WITH_AXE.includes(look)];
  const beside = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (beside > 0) problems.push(`${name}: ${beside} pixels stand out at the side`);
  const free = await page.evaluate(() => {
    const dialog = document.querySelector("dialog[open]");
    return dialog && innerWidth <= 640 ? innerWidth - dialog.getBoundingClientRect().width : 0;
  });
  if (free > 0) problems.push(`${name}: the dialog leaves ${free} pixels of a phone free`);
  if (withAxe) {
    // It stays until the page is loaded again.
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, help, nodes } of found.violations) {
      if (["serious", "critical"].includes(impact)) problems.push(`${name}: ${id}: ${help}: ${nodes.map((it) => it.html.slice(0, 160)).join(" | ")}`);
    }
  }
  if (test.wants_pictures) await picture(page, name);
  const how = await page.evaluate(() => [location.pathname.replace("/console", ""), matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light", innerWidth]);
  inspected.push([...how, withAxe]);
}

/** The same of what stands on a page, in every look. */
export async function inspectAll(page, name) {
  // What was done before is no part of it.
  await page.waitForFunction(() => document.querySelector(".notices p") === null);
  for (const look of LOOKS) {
    await turn(page, look);
    await inspect(page, name, look);
  }
  await turn(page, LOOKS[0]);
}

async function turn(page, [theme, width]) {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: 900 });
}

/** What was not inspected of these routes, in which look or with axe. */
export function leftOut(routes) {
  return routes.flatMap((route) => {
    const pattern = new RegExp(`^${route.replace(/:[^/]+/g, "[^/]+")}$`);
    const of = inspected.filter(([path]) => pattern.test(path));
    const looks = LOOKS.filter(([theme, width]) => !of.some((it) => it[1] === theme && it[2] === width)).map((it) => it.join(" "));
    const axe = WITH_AXE.filter(([theme, width]) => !of.some((it) => it[1] === theme && it[2] === width && it[3])).map((it) => `axe ${it.join(" ")}`);
    return [...looks, ...axe].map((how) => `${route}: ${how}`);
  });
}

/** Runs the steps in turn; what went wrong is printed, with pictures of what was seen. */
export async function walk(steps) {
  let failed = false;
  try {
    for (const [name, step] of Object.entries(steps)) {
      await step();
      console.log(JSON.stringify({ done: name }));
    }
  } catch (error) {
    failed = true;
    console.log(JSON.stringify({ problem: String(error.stack ?? error) }));
    for (const [index, page] of pages.entries()) {
      await picture(page, `failed-${index}`).catch(() => undefined);
    }
  }
  for (const problem of new Set(problems)) console.log(JSON.stringify({ problem }));
  await browser.close();
  process.exit(failed || problems.length > 0 ? 1 : 0);
}
