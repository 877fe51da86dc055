// What the console shows and sends when its server refuses, hangs, cuts off or answers late.
import { act, check, expecting, go, loaded, open, shows, signedIn, test, walk } from "./browser.mjs";
import { CUT, NOTHING, play, problem, proxy } from "./server.mjs";

const server = await play(test.dist);
test.bff = server.url;
/** What a browser says by itself of an answer that is no success, or of none. */
const FAILED = ["Failed to load resource"];

let shown;

/** A fresh page of a person whose server has been told nothing yet, and which nobody else asks. */
async function begin(person, options = {}) {
  await shown?.context().close();
  server.forget();
  options.before?.();
  shown = await signedIn(person, options);
  return shown;
}

/** Until it holds: of what a page asks its server there is nothing to see. */
async function until(holds, what) {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(what);
}

/** Stops the page's clock, which goes on until the browser hears of it: at a busy machine a time that is soon is gone by then. */
async function pause(page) {
  for (let ahead = 1; ; ahead *= 4) {
    const until = await page.evaluate((ahead) => Date.now() + ahead, ahead);
    try {
      return await page.clock.pauseAt(until);
    } catch (error) {
      if (ahead > 1_000 || !String(error).includes("fast-forward to the past")) throw error;
    }
  }
}

/** As if somebody looked at the page, or no more. */
const become = (page, state) =>
  page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);

const gone = (page, text) => page.getByText(text).first().waitFor({ state: "detached" });
const conversion = (id, more = {}) => ({ id, order_id: id, status: "attributed", amount: "1.00", currency: "USD", occurred_at: "2026-01-01T00:00:00Z", ...more });
const campaign = (status) => ({ id: "c", name: "Autumn", currency: "USD", status, join: "open", allowed_hosts: ["a.example"], created_at: "2026-01-01T00:00:00Z" });
const webhook = (description) => ({ id: "w", url: "https://hooks.example.com/", kinds: [], description, format: "webhook", status: "enabled", created_at: "2026-01-01T00:00:00Z", changed_at: "2026-01-01T00:00:00Z" });
const balance = (partner, payable) => ({ partner_id: partner, currency: "USD", accounts: { payable }, updated_at: "2026-01-01T00:00:00Z" });

/** On these pages of a role, these lists are asked for as narrowed to whom the role is of. */
async function asksForOwn(page, role, [name, id], pages) {
  for (const [path, asked] of Object.entries(pages)) {
    await go(page, `/${role}/activity`);
    server.asked.length = 0;
    await go(page, `/${role}${path}`);
    await loaded(page);
    for (const it of asked) {
      await until(() => server.count(`GET ${it}`) > 0, `${path} does not ask for ${it}`);
      check(server.last(`GET ${it}`).query.get(name) === id, `${path} asks for everybody's ${it}`);
    }
  }
}

/** Fills in the form for a withdrawal and sends it. */
async function withdraw(page) {
  await go(page, "/brand/funds");
  await page.getByRole("button", { name: "Withdraw", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Amount").fill("10.00");
  return dialog;
}

const steps = {
  "rows of before are not shown under a changed filter that is refused": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/conversions", ({ query }) => (query.has("order_id") ? problem(400, "invalid_parameter") : { items: [conversion("order-1")] }));
    await go(page, "/brand/conversions");
    await shows(page, "order-1");
    await expecting(FAILED, async () => {
      await page.getByLabel("Order", { exact: true }).fill("x");
      await page.keyboard.press("Enter");
      await shows(page, "Invalid parameter");
      await gone(page, "order-1");
    });
  },

  "more of a list is shown below what is there": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/conversions", ({ query }) => (query.has("cursor") ? { items: [conversion("order-2")] } : { items: [conversion("order-1")], next_cursor: "a" }));
    await go(page, "/brand/conversions");
    await page.getByRole("button", { name: "Show more" }).click();
    await shows(page, "order-2");
    await shows(page, "order-1");
  },

  "what one service answered is not shown under another's tab, and nothing of it can be dropped there": async () => {
    const page = await begin("operator");
    const replays = { fold_version: 1, tables_fold_version: 1, replays: [], replaced: [{ name: "old_tables", bytes: 1 }] };
    server.on("GET /api/v1/operator/bff/replays", replays);
    server.on("GET /api/v1/operator/campaign/replays", NOTHING);
    await go(page, "/operator/replays?service=bff");
    await shows(page, "old_tables");
    await page.getByRole("link", { name: "campaign", exact: true }).click();
    await gone(page, "old_tables");
    check((await page.getByRole("button", { name: "Drop" }).count()) === 0, "what is bff's can be dropped at campaign");
  },

  "who is operator and partner has its own money as its own": async () => {
    const page = await begin("partner", { before: () => Object.assign(server.people.partner, { roles: ["partner", "operator"] }) });
    const balances = [balance("partner123", "5.00"), balance("another", "77.00")];
    server.on("GET /api/v1/balances", ({ query }) => ({ items: balances.filter((it) => !query.has("partner_id") || it.partner_id === query.get("partner_id")) }));
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    const pages = {
      "": ["/api/v1/balances", "/api/v1/conversions", "/api/v1/reports"],
      "/campaigns": ["/api/v1/enrollments"],
      "/campaigns/c": ["/api/v1/enrollments", "/api/v1/links"],
      "/claims": ["/api/v1/claims"],
      "/money": ["/api/v1/balances", "/api/v1/payouts", "/api/v1/accounts"],
      "/links": ["/api/v1/links", "/api/v1/reports"],
      "/conversions": ["/api/v1/conversions"],
      "/commissions": ["/api/v1/commissions"],
      "/evidence": ["/api/v1/evidence"],
      "/reports": ["/api/v1/reports"],
    };
    await asksForOwn(page, "partner", ["partner_id", "partner123"], pages);
    await go(page, "/partner/money");
    await shows(page, "$5.00");
  },

  "who is operator and brand has its own lists as its own": async () => {
    const page = await begin("brand", { before: () => Object.assign(server.people.brand, { roles: ["brand", "operator"] }) });
    server.on("GET /api/v1/partners/partner1", { id: "partner1", status: "active" });
    server.on("GET /api/v1/timeline", { messages: [], missing: [], archived: [], waiting: 0, truncated: false });
    await asksForOwn(page, "brand", ["brand_id", "brand123"], {
      "": ["/api/v1/enrollments", "/api/v1/claims", "/api/v1/evidence", "/api/v1/balances", "/api/v1/reports"],
      "/applications": ["/api/v1/enrollments"],
      "/claims": ["/api/v1/claims"],
      "/evidence": ["/api/v1/evidence"],
      "/links": ["/api/v1/links", "/api/v1/reports"],
      "/orders/order1": ["/api/v1/explanations", "/api/v1/conversions", "/api/v1/claims"],
      "/timeline?order_id=order1": ["/api/v1/timeline"],
      "/partners/partner1": ["/api/v1/bans", "/api/v1/links", "/api/v1/commissions"],
    });
  },

  "who is operator and brand bans a partner as the brand, and takes the brand's ban back": async () => {
    const page = await begin("brand", { before: () => Object.assign(server.people.brand, { roles: ["brand", "operator"] }) });
    const partner = "/api/v1/partners/partner1";
    server.on(`GET ${partner}`, { id: "partner1", status: "active" });
    server.on(`POST ${partner}/ban`, () => {
      server.on("GET /api/v1/bans", { items: [{ id: "ban1", partner_id: "partner1", brand_id: "brand123", status: "banned" }] });
      return {};
    });
    await go(page, "/brand/partners/partner1");
    await act(page, "Ban");
    await act(page, "Take the ban back");
    for (const what of ["ban", "unban"]) {
      const { brand_id } = server.last(`POST ${partner}/${what}`).body;
      check(brand_id === "brand123", `${what} is of ${brand_id ?? "all brands"}`);
    }
  },

  "who is an operator too is offered no report of a partner's or a brand's, and reads why": async () => {
    for (const [person, path, label] of [["partner", "/partner/claims", "Report an order"], ["brand", "/brand/conversions", "Report a conversion"]]) {
      const offered = (page) => page.getByRole("button", { name: label, exact: true });
      const alone = await begin(person);
      await go(alone, path);
      await offered(alone).waitFor();
      const page = await begin(person, { before: () => Object.assign(server.people[person], { roles: [person, "operator"] }) });
      await go(page, path);
      await shows(page, "You are an operator too");
      check((await offered(page).count()) === 0, `${label} is offered to an operator`);
    }
  },

  "what was tried of a dead letter is not shown beside another payload": async () => {
    const page = await begin("operator");
    const parked = { state: "dead", message_id: "m", type: "campaign.create.command.v1", source: "bff", topic: "campaign-commands", attempts: 1, parked_at: "2026-01-01T00:00:00Z" };
    const letter = "/api/v1/operator/campaign/parked/m";
    server.on(`GET ${letter}`, { parked, message: { payload: { created: { name: "one" } } }, ahead: [], behind: [], acts: [] });
    server.on(`POST ${letter}/dry-run`, { outcome: "handled", events: [] });
    await go(page, "/operator/parked/campaign/m");
    const payload = page.getByLabel("Payload, as JSON");
    await page.getByRole("button", { name: "Dry run", exact: true }).click();
    await shows(page, "Dry run: Handled");
    await payload.fill('{ "name": "two" }');
    await gone(page, "Dry run: Handled");
    await page.getByRole("button", { name: "Dry run of the edit" }).click();
    await shows(page, "Dry run: Handled");
    await page.getByRole("button", { name: "Undo the edit" }).click();
    await gone(page, "Dry run: Handled");
    await payload.fill("{");
    await page.getByRole("button", { name: "Dry run of the edit" }).click();
    await shows(page, "The payload is no JSON");
    await page.getByRole("button", { name: "Put it in place" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Your reason").fill("to be sure");
    await dialog.getByRole("button", { name: "Put it in place" }).click();
    await shows(dialog, "The payload is no JSON");
    check((await dialog.getByText("it may be done twice").count()) === 0, "what was not sent may be done twice");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Undo the edit" }).click();
    await gone(page, "The payload is no JSON");
    // Of what is answered late, too.
    let answer;
    await page.route(`**${letter}/dry-run`, async (route) => {
      await new Promise((resolve) => (answer = resolve));
      return route.fulfill({ json: { outcome: "handled", events: [] } });
    });
    await page.getByRole("button", { name: "Dry run", exact: true }).click();
    await until(() => answer, "it is not tried");
    await payload.fill('{ "name": "three" }');
    answer();
    await page.getByRole("button", { name: "Dry run of the edit" }).waitFor();
    check((await page.getByText("Dry run: Handled").count()) === 0, "what was tried before stands beside another payload");
  },

  "new terms say who moves, and who keeps which version": async () => {
    const page = await begin("brand");
    const at = "2026-01-01T00:00:00Z";
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    const version = (number, worsens) => ({ campaign_id: "c", version: number, worsens, text: "Be honest.", window_days: 30, plan: { sale: { bps: 1_000 }, lead: null, hold_days: 0 }, effective_at: `2026-01-0${number}T00:00:00Z`, in_force: number === 3 });
    server.on("GET /api/v1/campaigns/c/terms", { items: [version(3, true), version(2, false), version(1, false)] });
    const enrolled = (count, accepted) => Array.from({ length: count }, (_, index) => ({ id: `e${accepted}-${index}`, partner_id: "p", campaign_id: "c", status: "enrolled", terms_version: accepted, since: at }));
    const pages = { "": [enrolled(2, 1), "b"], b: [enrolled(1, 2).concat(enrolled(4, 3))] };
    server.on("GET /api/v1/enrollments", ({ query }) => {
      const [items, next_cursor] = pages[query.get("cursor") ?? ""];
      return { items, next_cursor };
    });
    await go(page, "/brand/campaigns/c");
    await page.getByRole("button", { name: "New terms" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Per cent, or amount").fill("12");
    await shows(dialog, "4 partners have version 4 by themselves from now on.");
    await shows(dialog, "3 partners keep version 2 until they accept version 4.");
    await dialog.getByLabel("Per cent, or amount").fill("5");
    await shows(dialog, "4 partners keep version 3 until they accept version 4.");
    await shows(dialog, "3 partners keep version 2 until they accept version 4.");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    // Of very many only so many are read, and that is said.
    pages[""] = [enrolled(500, 3), "b"];
    pages["b"] = [enrolled(500, 1), "c"];
    await go(page, "/brand");
    await go(page, "/brand/campaigns/c");
    await page.getByRole("button", { name: "New terms" }).click();
    await dialog.getByLabel("Per cent, or amount").fill("12");
    await shows(dialog, "Of the 1,000 partners who joined last; there are more:");
    await shows(dialog, "500 partners have version 4 by themselves from now on.");
  },

  "what new terms replace follows from which are in force, and not from the browser's clock": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    // By the browser's clock all are yet to come into force, or all are in force.
    for (const year of [2099, 2020]) {
      const version = (number) => ({ campaign_id: "c", version: number, worsens: false, text: "Be honest.", window_days: 30, plan: { sale: { bps: number * 1_000 }, lead: null, hold_days: 0 }, effective_at: `${year}-01-0${number}T00:00:00Z`, in_force: number === 2 });
      server.on("GET /api/v1/campaigns/c/terms", { items: [version(3), version(2), version(1)] });
      await go(page, "/brand");
      await go(page, "/brand/campaigns/c");
      await page.getByRole("button", { name: "New terms" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Per cent, or amount").fill("5");
      await shows(dialog, "A sale earns 5% instead of 20%. That is worse for partners.");
      await shows(dialog, "This takes the place of what would be in force no earlier: version 3.");
      await dialog.getByRole("button", { name: "Cancel" }).click();
    }
  },

  "a page of links has all clicks of 30 days": async () => {
    const page = await begin("partner");
    server.on("GET /api/v1/links", { items: [{ code: "my-link", status: "active", created_at: "2026-01-01T00:00:00Z" }] });
    const rows = [{ link_code: "my-link", currency: "USD", clicks: 1_200 }, { link_code: "my-link", currency: "EUR", clicks: 34 }];
    server.on("GET /api/v1/reports", ({ query }) => (query.get("group_by") === "link" ? { items: rows, totals: [], missing: [] } : undefined));
    await go(page, "/partner/links");
    await page.getByRole("row").filter({ hasText: "my-link" }).getByText("1,234").waitFor();
  },

  "a server that hangs is not shown as live, and a stream that is silent is begun again": async () => {
    const page = await begin("partner", { clock: true });
    const badge = (text) => page.locator(".foot .live", { hasText: text }).waitFor();
    await until(() => server.count("GET /api/v1/events/stream") === 1, "nobody listens");
    await badge("Live");
    await page.clock.fastForward(60_000);
    await until(() => server.count("GET /api/v1/events/stream") > 1, "a silent stream is listened to for ever");
    server.isStopped = true;
    const before = server.asked.length;
    await page.clock.fastForward(30_000);
    await until(() => server.asked.length > before, "nothing is asked for");
    await expecting(FAILED, async () => {
      await until(async () => {
        await page.clock.fastForward(6_000);
        return (await page.locator(".foot .live.away").count()) > 0;
      }, "a server that hangs is live");
      await badge("Disconnected");
      server.goOn();
      await badge("Live");
    });
  },

  "a page that was hidden listens from now on, and asks once more when it does": async () => {
    const page = await begin("brand", { clock: true });
    const [stream, list] = ["GET /api/v1/events/stream", "GET /api/v1/conversions"];
    server.on(list, { items: [conversion("order-1")] });
    await go(page, "/brand/conversions");
    await shows(page, "order-1");
    await until(() => server.streams.size > 0, "nobody listens");
    const before = server.count(list);
    server.tell();
    await until(() => server.count(list) > before, "what happens is not followed");
    await pause(page);
    await become(page, "hidden");
    await until(() => server.streams.size === 0, "who does not look listens");
    server.on(list, { items: [conversion("order-2")] });
    await become(page, "visible");
    await shows(page, "order-2");
    await until(() => server.streams.size > 0, "nobody listens again");
    check(server.last(stream).headers["last-event-id"] === undefined, "it goes on where it was when it was hidden");
    // When it comes back with its place it has heard where it began.
    const [listened, asked] = [server.count(stream), server.count(list)];
    for (const it of server.streams) it.end();
    await until(async () => {
      await page.clock.runFor(100);
      return server.count(stream) > listened;
    }, "it does not come back");
    check(server.last(stream).headers["last-event-id"] === "1", "it does not go on where it was");
    await until(() => server.count(list) > asked, "what happened before it began is not asked for");
  },

  "what may have been taken is sent again under its key, whatever is answered meanwhile": async () => {
    const page = await begin("brand");
    const dialog = await withdraw(page);
    const answers = [CUT, problem(429, "rate_limited"), proxy(502), proxy(413), problem(422, "idempotency_key_reused")];
    server.on("POST /api/v1/withdrawals", () => answers.shift());
    const keys = () => server.asked.filter((it) => it.route === "POST /api/v1/withdrawals").map((it) => it.headers["idempotency-key"]);
    await expecting(FAILED.concat("ERR_"), async () => {
      await dialog.getByRole("button", { name: "Request it" }).click();
      for (let times = 1; times < 5; times += 1) {
        await shows(dialog, "it is done once");
        await dialog.getByRole("button", { name: "Send again" }).click();
        await until(() => keys().length > times, "it is not sent again");
      }
      // The API has decided: from now on it is another one.
      await shows(dialog, "Idempotency key reused");
      await dialog.getByRole("button", { name: "Request it" }).click();
      await dialog.waitFor({ state: "detached" });
    });
    const [first, ...others] = keys();
    check(others.slice(0, 4).every((it) => it === first), `other keys: ${keys().join(" ")}`);
    check(others[4] !== first, "the key of what was decided is used again");
  },

  "who has closed the dialog hears that it was refused": async () => {
    const page = await begin("brand");
    const dialog = await withdraw(page);
    server.on("POST /api/v1/withdrawals", { command_id: "c1", correlation_id: "x1", status: "pending" });
    server.on("GET /api/v1/commands/c1", { command_id: "c1", correlation_id: "x1", status: "pending" });
    await dialog.getByRole("button", { name: "Request it" }).click();
    await shows(dialog, "Accepted, not decided yet");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    server.on("GET /api/v1/commands/c1", { command_id: "c1", correlation_id: "x1", status: "rejected", code: "insufficient_funds", detail: "There is less." });
    await shows(page, "There is less.");
  },

  "an amount has the digits of the ledger": async () => {
    const page = await begin("partner");
    const rsd = { ...balance("partner123", "1234.56"), currency: "RSD" };
    server.on("GET /api/v1/balances", { items: [rsd] });
    await go(page, "/partner/money");
    await until(async () => /1[.,\s]?234[.,]56/.test(await page.content()), "its cents are not shown");
  },

  "who is invited joins, and who is kept out is offered nothing": async () => {
    const page = await begin("partner");
    server.on("GET /api/v1/campaigns/c", { ...campaign("active"), join: "approval" });
    const terms = { version: 1, in_force: true, plan: { hold_days: 0, sale_bps: 100 }, published_at: "2026-01-01T00:00:00Z" };
    server.on("GET /api/v1/campaigns/c/terms", { items: [terms] });
    for (const [mine, offered] of [
      [{ status: "invited" }, "Join"],
      [{ status: "left" }, "Apply"],
      [{ status: "rejected", reason: "needs_more_detail" }, "Apply"],
      [{ status: "rejected", reason: "other" }, undefined],
      [{ status: "removed" }, undefined],
    ]) {
      server.on("GET /api/v1/enrollments", { items: [{ id: "e", campaign_id: "c", partner_id: "partner123", ...mine }] });
      await go(page, "/partner/campaigns");
      await go(page, "/partner/campaigns/c");
      await loaded(page);
      await shows(page, "Terms, version 1");
      for (const label of ["Join", "Apply"]) {
        const count = await page.getByRole("button", { name: label, exact: true }).count();
        check(count === (label === offered ? 1 : 0), `${mine.status}: ${label} is there ${count} times`);
      }
    }
  },

  "what was changed and changed back is still what was sent": async () => {
    const page = await begin("brand");
    const dialog = await withdraw(page);
    server.on("POST /api/v1/withdrawals", CUT);
    await expecting(["ERR_", ...FAILED], async () => {
      for (const [times, amount] of ["10.00", "11.00", "10.00"].entries()) {
        await dialog.getByLabel("Amount").fill(amount);
        await dialog.locator("[type=submit]").click();
        await until(() => server.count("POST /api/v1/withdrawals") > times, "it is not sent");
        await shows(dialog, "it is done once");
      }
    });
    const [first, other, again] = server.asked.filter((it) => it.route === "POST /api/v1/withdrawals").map((it) => it.headers["idempotency-key"]);
    check(first === again && first !== other, "it has another key");
  },

  "an operator's write has no key, and nobody says that it is done once": async () => {
    const page = await begin("operator");
    server.on("GET /api/v1/operator/payment/payouts/switch", { paused: false });
    server.on("POST /api/v1/operator/payment/payouts/pause", CUT);
    await go(page, "/operator/payouts");
    await page.getByRole("button", { name: "Pause all payouts" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("to be sure");
    await expecting(["ERR_", ...FAILED], async () => {
      await dialog.getByRole("button", { name: "Pause all payouts" }).click();
      await shows(dialog, "it may be done twice");
      check((await dialog.getByText("it is done once").count()) === 0, "it promises that it is done once");
    });
  },

  "after a sleep longer than the token's life the session goes on": async () => {
    const page = await begin("brand", { clock: true });
    const dialog = await withdraw(page);
    const old = server.last("GET /api/v1/me").token;
    server.takes = (token) => token !== old;
    // What the page asks for by itself before it sleeps is refused.
    await expecting(FAILED, async () => {
      // As a machine that slept: the clock has moved, and no timer has run.
      await pause(page);
      await page.clock.setSystemTime(await page.evaluate(() => Date.now() + 3_600_000));
      await page.clock.resume();
      await dialog.getByRole("button", { name: "Request it" }).click();
      await dialog.waitFor({ state: "detached" });
      await shows(page, "The withdrawal was requested.");
    });
    check(server.count("POST /api/v1/withdrawals") === 1, "it is sent with a token whose time is over");
  },

  "a token that is refused is renewed, once whoever renews it answers, and what was sent is sent again": async () => {
    const page = await begin("brand");
    const dialog = await withdraw(page);
    const old = server.last("GET /api/v1/me").token;
    server.takes = (token) => token !== old;
    server.on("POST /console/sign-in/brand", CUT);
    await expecting(["ERR_", ...FAILED], async () => {
      await dialog.getByRole("button", { name: "Request it" }).click();
      await shows(dialog, "Your session cannot be renewed now");
      server.on("POST /console/sign-in/brand", undefined);
      await dialog.getByRole("button", { name: "Request it" }).click();
      await dialog.waitFor({ state: "detached" });
      await shows(page, "The withdrawal was requested.");
    });
  },

  "a form survives a session that could not be renewed": async () => {
    const page = await begin("brand");
    const dialog = await withdraw(page);
    const keys = () => server.asked.filter((it) => it.route === "POST /api/v1/withdrawals").map((it) => it.headers["idempotency-key"]);
    server.on("POST /api/v1/withdrawals", CUT);
    await expecting(["ERR_", ...FAILED], async () => {
      await dialog.getByRole("button", { name: "Request it" }).click();
      await shows(dialog, "it is done once");
      server.on("POST /api/v1/withdrawals", undefined);
      server.on("POST /console/sign-in/brand", problem(403, "forbidden"));
      // Not before it is sent: what the page asks for by itself would end the session too, and stand before the form.
      let isOver = false;
      server.takes = (_, route) => !(isOver ||= route === "POST /api/v1/withdrawals");
      await dialog.getByRole("button", { name: "Send again" }).click();
      const asking = page.getByRole("dialog").filter({ hasText: "Sign in again" });
      await asking.waitFor();
      server.on("POST /console/sign-in/brand", undefined);
      server.takes = () => true;
      await asking.getByRole("button", { name: /^Brand/ }).click();
      await asking.waitFor({ state: "detached" });
      check((await dialog.getByLabel("Amount").inputValue()) === "10.00", "what was filled in is gone");
      await dialog.getByRole("button", { name: "Send again" }).click();
      await dialog.waitFor({ state: "detached" });
    });
    check(new Set(keys()).size === 1, `other keys: ${keys().join(" ")}`);
  },

  "another person who signs in then sees nothing of it": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/conversions", { items: [conversion("order-1")] });
    await go(page, "/brand/conversions");
    await shows(page, "order-1");
    await expecting(FAILED, async () => {
      server.on("POST /console/sign-in/brand", problem(403, "forbidden"));
      server.takes = () => false;
      server.tell();
      const asking = page.getByRole("dialog").filter({ hasText: "Sign in again" });
      await asking.waitFor();
      server.takes = () => true;
      await asking.getByRole("button", { name: /^Partner/ }).click();
      await asking.waitFor({ state: "detached" });
      await gone(page, "order-1");
    });
  },

  "an explanation is asked for once when it is opened, and not with each event": async () => {
    const page = await begin("brand", { clock: true });
    server.on("GET /api/v1/conversions/one", conversion("one"));
    const explanation = "GET /api/v1/conversions/one/explanation";
    server.on(explanation, { sentences: ["It was a sale."], missing: [], truncated: false });
    await until(() => server.streams.size > 0, "nobody listens");
    await loaded(page);
    // Something was heard of before the page is opened.
    const balances = "GET /api/v1/balances";
    const before = server.count(balances);
    server.tell();
    await until(() => server.count(balances) > before, "nothing was heard");
    await pause(page);
    const opened = await page.evaluate(() => Date.now());
    await go(page, "/brand/conversions/one");
    await shows(page, "It was a sale.");
    const plain = "GET /api/v1/conversions/one";
    check(server.count(explanation) === 1 && server.count(plain) === 1, `asked ${server.count(explanation)} and ${server.count(plain)} times at opening`);
    for (let times = 1; times <= 4; times += 1) {
      server.tell();
      await until(async () => {
        await page.clock.runFor(100);
        return server.count(plain) > times;
      }, "the page does not follow");
    }
    // How much of the page's time passes until an answer is here is the machine's.
    const rests = 1 + Math.floor((await page.evaluate((opened) => Date.now() - opened, opened)) / 5_000);
    const times = server.count(explanation);
    check(times <= rests, `it is asked for ${times} times in ${rests} rests`);
    await page.clock.runFor(6_000);
    await until(() => server.count(explanation) > times, "it is not asked for again");
  },

  "lists follow what happens also after something was done here": async () => {
    const page = await begin("brand");
    await (await withdraw(page)).getByRole("button", { name: "Request it" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    server.on("GET /api/v1/conversions", { items: [] });
    await go(page, "/brand/conversions");
    await loaded(page);
    await until(() => server.streams.size > 0, "nobody listens");
    const before = server.count("GET /api/v1/conversions");
    server.tell();
    await until(() => server.count("GET /api/v1/conversions") > before, "what happens is not followed");
  },

  "what came of a new link leads nobody away from another page": async () => {
    const page = await begin("partner");
    let answer;
    server.on("POST /api/v1/links", NOTHING);
    await go(page, "/partner/links");
    await page.getByRole("button", { name: "New link" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Campaign", { exact: true }).fill("c");
    await dialog.getByLabel("Where it leads").fill("https://shop.example.com/");
    await page.route("**/api/v1/links", async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      await new Promise((resolve) => (answer = resolve));
      return route.fulfill({ json: {} });
    });
    await dialog.getByRole("button", { name: "Make it" }).click();
    await until(() => answer, "it is not sent");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await go(page, "/partner/activity");
    answer();
    await shows(page, "The link was made.");
    check(page.url().endsWith("/partner/activity"), page.url());
  },

  "a date in the hour that comes twice stays in its half of the night": async () => {
    const page = await begin("brand", { timezoneId: "Europe/Berlin" });
    const ends = "2026-10-25T01:30:00Z";
    server.on("GET /api/v1/campaigns/c", { ...campaign("draft"), ends_at: ends });
    await go(page, "/brand/campaigns/c");
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    const field = dialog.getByLabel("Ends");
    check((await field.inputValue()) === "2026-10-25T02:30", await field.inputValue());
    await shows(dialog, "this time comes twice");
    await field.fill("2026-10-25T02:45");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const { ends_at } = server.last("PATCH /api/v1/campaigns/c").body;
    check(ends_at === "2026-10-25T01:45:00.000Z", ends_at);
  },

  "a search of events says how far back it went, goes on when somebody wants it, and is not made again with what happens": async () => {
    const page = await begin("operator");
    const message = (position, type) => ({ position, topic: "t", message: { id: `m${position}`, type, subject: "s", time: Date.UTC(2026, 0, position) * 1_000 } });
    const log = [message(1, "rare.v1"), ...Array.from({ length: 8 }, (_, index) => message(index + 2, "common.v1"))];
    const events = "GET /api/v1/operator/campaign/events";
    // As services search: two positions for a page, whatever is found there.
    server.on(events, ({ query }) => {
      const isOldest = query.get("order") === "oldest";
      const from = Number(query.get("cursor") ?? query.get("from") ?? log.length);
      const limit = Math.min(2, Number(query.get("limit")));
      const looked = isOldest ? log.slice(from - 1, from - 1 + limit) : log.slice(Math.max(0, from - limit), from).reverse();
      const next = isOldest ? from + limit : from - limit;
      const type = query.get("type");
      return { items: looked.filter((it) => !type || it.message.type === type), next_cursor: next > 0 && next <= log.length ? String(next) : null };
    });
    const searches = () => server.asked.filter((it) => it.route === events && it.query.has("type") && it.query.get("order") === "newest").length;
    await go(page, "/operator/events?type=rare.v1");
    await shows(page, "No messages so far");
    await shows(page, "Searched back to Jan 3, 2026");
    await until(() => server.streams.size > 0, "nobody listens");
    check(searches() === 3, `it took ${searches()} searches`);
    const before = server.count(events);
    server.tell();
    await until(() => server.count(events) > before + 1, "what is new is not looked for");
    check(searches() === 3, "it is searched again with what happens");
    await page.getByRole("button", { name: "Search further back" }).click();
    await shows(page, "rare.v1");
    await gone(page, "Searched back to");
    check(searches() === 5, `further back it took ${searches() - 3} searches`);
    log.push(message(10, "common.v1"), message(11, "rare.v1"));
    await page.locator("summary").nth(1).waitFor();
    check(searches() === 5, "for what is new all is searched again");
    // So much came while nobody looked that it is not looked through: what is new is searched from its end.
    log.push(...Array.from({ length: 20 }, (_, index) => message(index + 12, "common.v1")));
    await shows(page, "Searched back to Jan 25, 2026");
  },

  "a list in which nothing was found so far does not say that there is nothing": async () => {
    const page = await begin("operator");
    server.on("GET /api/v1/operator/bff/commands", ({ query }) => (query.has("cursor") ? { items: [] } : { items: [], next_cursor: "a" }));
    await go(page, "/operator/commands?service=bff");
    await shows(page, "Nothing so far");
    await page.getByRole("button", { name: "Show more" }).click();
    await gone(page, "Nothing so far");
  },

  "a dialog of a row stays while newer rows take its place": async () => {
    const page = await begin("brand");
    const group = (id) => ({ id, name: id, status: "active", created_at: "2026-01-01T00:00:00Z" });
    server.on("GET /api/v1/groups", { items: [group("older")] });
    await go(page, "/brand/groups");
    await shows(page, "older");
    await until(() => server.streams.size > 0, "nobody listens");
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Typed");
    server.on("GET /api/v1/groups", { items: [group("newer")] });
    server.on("PATCH /api/v1/groups/older", CUT);
    const patches = () => server.asked.filter((it) => it.route === "PATCH /api/v1/groups/older");
    for (let times = 0; times < 2; times += 1) {
      const before = server.count("GET /api/v1/groups");
      server.tell();
      await until(() => server.count("GET /api/v1/groups") > before, "what happens is not followed");
    }
    await expecting(["ERR_", ...FAILED], async () => {
      await dialog.getByRole("button", { name: "Save" }).click();
      await shows(dialog, "it is done once");
      server.on("PATCH /api/v1/groups/older", {});
      await dialog.getByRole("button", { name: "Send again" }).click();
      await dialog.waitFor({ state: "detached" });
    });
    const [first, again] = patches();
    check(first.body.name === "Typed" && first.headers["idempotency-key"] === again.headers["idempotency-key"], "what was typed is gone");
    // What came meanwhile is shown once it is closed.
    await gone(page, "older");
    await shows(page, "newer");
  },

  "a partner accepts the terms that it was shown, also when it sends them again after newer ones came": async () => {
    const page = await begin("partner");
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    const terms = (number) => ({ items: [{ version: number, in_force: true, text: "Be honest.", window_days: 30, plan: { hold_days: 0, sale: { bps: number * 100 } } }] });
    const accept = "POST /api/v1/campaigns/c/accept";
    server.on("GET /api/v1/campaigns/c/terms", terms(1));
    server.on(accept, CUT);
    await go(page, "/partner/campaigns/c");
    await shows(page, "Terms, version 1");
    await until(() => server.streams.size > 0, "nobody listens");
    await page.getByRole("button", { name: "Join" }).click();
    const dialog = page.getByRole("dialog");
    server.on("GET /api/v1/campaigns/c/terms", terms(2));
    const before = server.count("GET /api/v1/campaigns/c/terms");
    server.tell();
    await until(() => server.count("GET /api/v1/campaigns/c/terms") > before, "what happens is not followed");
    await expecting(["ERR_", ...FAILED], async () => {
      await dialog.getByRole("button", { name: "I accept the terms" }).click();
      await shows(dialog, "it is done once");
      await shows(dialog, "You accept version 1 of its terms: 1% of a sale");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await shows(page, "Terms, version 2");
      await page.getByRole("button", { name: "Join" }).click();
      await shows(dialog, "You accept version 1 of its terms: 1% of a sale");
      server.on(accept, {});
      await dialog.getByRole("button", { name: "Send again" }).click();
      await dialog.waitFor({ state: "detached" });
    });
    const [first, again] = server.asked.filter((it) => it.route === accept);
    check(first.body.terms_version === 1, `it accepts version ${first.body.terms_version}`);
    check(JSON.stringify(again.body) === JSON.stringify(first.body), "another body is sent");
    check(again.headers["idempotency-key"] === first.headers["idempotency-key"], "another key is sent");
    await page.getByRole("button", { name: "Join" }).click();
    await shows(dialog, "You accept version 2 of its terms: 2% of a sale");
  },

  "a partner whom a better version reached reads that one, and what it would give up for the one in force": async () => {
    const page = await begin("partner");
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    const version = (number, percent, worsens) => ({
      campaign_id: "c", version: number, worsens, window_days: 30, plan: { sale: { bps: percent * 100 }, hold_days: 0 },
      effective_at: `2026-01-0${number}T00:00:00Z`, in_force: false,
    });
    const better = [version(2, 12, false), version(1, 10, true)];
    server.on("GET /api/v1/enrollments", { items: [{ campaign_id: "c", partner_id: "partner123", status: "enrolled", terms_version: 1, since: "2026-01-01T00:00:00Z" }] });
    server.on("GET /api/v1/campaigns/c/terms", { items: [{ ...better[0], in_force: true }, better[1]] });
    await go(page, "/partner/campaigns/c");
    await shows(page, "Your terms, version 2");
    await shows(page, "12% of a sale");
    check((await page.getByRole("button", { name: /Accept/ }).count()) === 0, "what it has by itself is to be accepted");
    server.on("GET /api/v1/campaigns/c/terms", { items: [{ ...version(3, 5, true), in_force: true }, ...better] });
    await go(page, "/partner/campaigns");
    await go(page, "/partner/campaigns/c");
    await shows(page, "Who joins now has version 3: 5% of a sale");
    await shows(page, "Your terms, version 2");
    await page.getByRole("button", { name: "Accept version 3" }).click();
    await shows(page.getByRole("dialog"), "You have version 2 now, 12% of a sale");
  },

  "who has applied or is invited can take that back": async () => {
    const page = await begin("partner");
    const leave = "POST /api/v1/campaigns/c/leave";
    server.on("GET /api/v1/campaigns/c", { ...campaign("active"), join: "approval" });
    server.on("GET /api/v1/campaigns/c/terms", {
      items: [{ campaign_id: "c", version: 1, worsens: true, window_days: 30, plan: { hold_days: 0 }, effective_at: "2026-01-01T00:00:00Z", in_force: true }],
    });
    server.on(leave, {});
    for (const [status, label, verb] of [["applied", "Withdraw the application", "Withdraw it"], ["invited", "Decline", "Decline"]]) {
      server.on("GET /api/v1/enrollments", { items: [{ campaign_id: "c", partner_id: "partner123", status, since: "2026-01-01T00:00:00Z" }] });
      await go(page, "/partner/campaigns");
      await go(page, "/partner/campaigns/c");
      const before = server.count(leave);
      await page.getByRole("button", { name: label }).click();
      await page.getByRole("dialog").getByRole("button", { name: verb, exact: true }).click();
      await until(() => server.count(leave) > before, `${status}: nothing is sent`);
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  },

  "an operator reads whose deposit it is before it is settled": async () => {
    const page = await begin("operator");
    const deposit = (id, brand) => ({ id, brand_id: brand, amount: "500.00", currency: "USD", reference: "INV-1", status: "announced", announced_at: "2026-01-01T00:00:00Z" });
    server.on("GET /api/v1/deposits", { items: [deposit("dep_1", "brand1"), deposit("dep_2", "brand2")] });
    await go(page, "/operator/funds");
    await shows(page, "brand2 · INV-1 · dep_2");
    await page.getByRole("row").filter({ hasText: "dep_2" }).getByRole("button", { name: "Settle" }).click();
    await shows(page.getByRole("dialog"), "by brand2");
  },

  "a check that did not look at all is not shown as that every rule held": async () => {
    const page = await begin("operator");
    const found = (rule, looked_at, broken = []) => ({ rule, check: `rule ${rule}`, looked_at, wrong: 0, broken });
    const report = (findings) => ({ items: [{ id: 1, action: "rules.check", target: "held", actor: "operator", reason: "", at: "2026-01-01T00:00:00Z", detail: { findings } }] });
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((rule) => found(rule, 1));
    const audit = "GET /api/v1/operator/bff/audit";
    server.on(audit, report(all.map((it) => (it.rule === 9 ? found(9, 1, ["the provider's statement is not there"]) : it))));
    await go(page, "/operator/rules");
    await shows(page, "No rule is broken, as far as was looked");
    await shows(page, "Not looked at, or in part: 9.");
    server.on(audit, report(all));
    await go(page, "/operator/audit");
    await go(page, "/operator/rules");
    await shows(page, "Every rule held");
  },

  "a link that is edited keeps what was shown of it, and not what came meanwhile": async () => {
    const page = await begin("partner");
    const link = (term) => ({ code: "l", status: "active", target_url: "https://shop.example.com/", utm: { source: "s", term }, created_at: "2026-01-01T00:00:00Z" });
    server.on("GET /api/v1/links/l", link("before"));
    await go(page, "/partner/links/l");
    await shows(page, "before");
    await until(() => server.streams.size > 0, "nobody listens");
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("utm_source").fill("other");
    server.on("GET /api/v1/links/l", link("after"));
    const before = server.count("GET /api/v1/links/l");
    server.tell();
    await until(() => server.count("GET /api/v1/links/l") > before, "what happens is not followed");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const { utm } = server.last("PATCH /api/v1/links/l").body;
    check(utm.source === "other" && utm.term === "before", JSON.stringify(utm));
  },

  "a brand is offered to disable a partner's link, and not to edit it": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/links/l", { code: "l", status: "active", target_url: "https://shop.example.com/", created_at: "2026-01-01T00:00:00Z" });
    await go(page, "/brand/links/l");
    await page.getByRole("button", { name: "Disable", exact: true }).waitFor();
    check((await page.getByRole("button", { name: "Edit", exact: true }).count()) === 0, "what is always refused is offered");
  },

  "a refusal of what is checked stands at its field, or at its group": async () => {
    const page = await begin("brand");
    const detail = "must be another";
    const wrong = (pointer) => ({ status: 422, type: "application/problem+json", body: { code: "validation_failed", title: "Wrong", detail: "Wrong", errors: [{ pointer, detail }] } });
    const invalid = page.locator("[type=checkbox][aria-invalid=true]");
    const dialog = page.getByRole("dialog");
    server.on("POST /api/v1/keys", wrong("/scopes/0"));
    server.on("PUT /api/v1/onboarding", wrong("/crm"));
    await expecting(FAILED, async () => {
      await go(page, "/brand/keys");
      await page.getByRole("button", { name: "New key" }).click();
      await dialog.getByRole("button", { name: "Make it" }).click();
      await dialog.getByRole("group", { name: "What it may do", description: detail }).locator(invalid).first().waitFor();
      await go(page, "/brand/onboarding");
      await page.getByRole("button", { name: "Edit" }).click();
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByRole("checkbox", { name: "Make them contacts", description: detail }).and(invalid).waitFor();
      await shows(dialog, detail);
    });
  },

  "terms whose leads earn a percentage are published again, and no percentage is rounded": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/campaigns/c", campaign("active"));
    const version = { campaign_id: "c", version: 1, worsens: false, text: "Be honest.", window_days: 30, plan: { sale: { bps: 1_000 }, lead: { bps: 29 }, hold_days: 0 }, effective_at: "2026-01-01T00:00:00Z", in_force: true };
    server.on("GET /api/v1/campaigns/c/terms", { items: [version] });
    const publish = "POST /api/v1/campaigns/c/terms";
    await go(page, "/brand/campaigns/c");
    await page.getByRole("button", { name: "New terms" }).click();
    const dialog = page.getByRole("dialog");
    await shows(dialog, "Nothing: it says the same as version 1.");
    const much = dialog.getByLabel("Per cent, or amount");
    for (const text of ["10,5", "10%", "12.345", "0.004", "1e1", "-1"]) {
      await much.fill(text);
      await shows(dialog, "is shown once each percentage is one");
      await dialog.getByRole("button", { name: "Publish" }).click();
      await dialog.getByRole("textbox", { description: "A percentage is a number such as 10 or 12.5" }).and(dialog.locator("[aria-invalid=true]")).and(much).waitFor();
      await much.fill("10");
    }
    check(server.count(publish) === 0, "what is no percentage is sent");
    check((await dialog.getByText("is not known").count()) === 0, "it may have been taken");
    await much.fill("12.05");
    await shows(dialog, "A sale earns 12.05% instead of 10%.");
    await dialog.getByRole("button", { name: "Publish" }).click();
    await dialog.waitFor({ state: "detached" });
    const { plan } = server.last(publish).body;
    check(plan.sale.bps === 1_205 && plan.lead.bps === 29, JSON.stringify(plan));
    // The first terms.
    server.on("GET /api/v1/campaigns/c/terms", { items: [] });
    await go(page, "/brand");
    await go(page, "/brand/campaigns/c");
    await page.getByRole("button", { name: "Publish terms" }).click();
    await shows(dialog, "A sale earns 10%, a lead nothing");
  },

  "an archiving goes on until nothing is left, and says of how much": async () => {
    const page = await begin("operator");
    const part = { from_position: 1, to_position: 2 };
    const run = (what) => `POST /api/v1/operator/campaign/archive/${what}`;
    const answers = [{ parts: [part, part], more: true }, { parts: [part], more: false }, { parts: [], more: false }];
    server.on(run("run"), () => answers.shift());
    server.on(run("verify"), { parts: [part], more: false });
    await go(page, "/operator/storage?service=campaign");
    await act(page, "Archive what is old", { verb: "Archive", fields: { "Your reason": "to be sure" } });
    await shows(page, "3 parts were archived.");
    await act(page, "Archive what is old", { verb: "Archive", fields: { "Your reason": "to be sure" } });
    await shows(page, "Nothing was old enough to be archived.");
    check(server.count(run("run")) === 3, `it was sent ${server.count(run("run"))} times`);
    await act(page, "Verify the archive", { verb: "Verify", fields: { "Your reason": "to be sure" } });
    await shows(page, "1 part was verified.");
  },

  "what a browser does not let be copied is selected, to be copied by hand": async () => {
    const page = await begin("brand");
    server.on("POST /api/v1/keys", { secret: "trib_once" });
    await go(page, "/brand/keys");
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
    await shows(page, "trib_once");
    for (const clipboard of ["undefined", "{ writeText: () => Promise.reject(new Error('no')) }"]) {
      await page.evaluate(`Object.defineProperty(navigator, "clipboard", { value: ${clipboard}, configurable: true })`);
      await page.evaluate(() => document.activeElement.blur());
      await page.getByRole("button", { name: "Copy key" }).click();
      await shows(page, "copy it by hand");
      await page.waitForFunction(() => {
        const { value, selectionStart, selectionEnd } = document.activeElement;
        return value === "trib_once" && selectionStart === 0 && selectionEnd === value.length;
      });
    }
  },

  "who reports an order hears that one that was reported before stays as it was": async () => {
    const claimed = { "Click id": "clk_1", Customer: "buyer-1", "Order number": "order-1", Amount: "1.00" };
    for (const [person, path, label, fields] of [
      ["brand", "/brand/conversions", "Report a conversion", { Customer: "buyer-1" }],
      ["partner", "/partner/claims", "Report an order", claimed],
    ]) {
      const page = await begin(person);
      await go(page, path);
      await act(page, label, { verb: "Report it", fields });
      await shows(page, "reported before stays as it was");
    }
  },

  "tags keep their spaces, and an archived group is offered only where it is set": async () => {
    const page = await begin("brand");
    const at = "2026-01-01T00:00:00Z";
    const group = (id, status) => ({ id, brand_id: "brand123", name: id, is_default: false, status, created_at: at });
    server.on("GET /api/v1/groups", { items: [group("gold", "active"), group("silver", "archived"), group("bronze", "archived")] });
    const onboarding = { brand_id: "brand123", enabled: true, approves: false, countries: ["DE", "AT"], crm: true, tags: ["key account", "newcomer"], group_id: "silver", changed_at: at };
    server.on("GET /api/v1/onboarding", { items: [onboarding] });
    await go(page, "/brand/onboarding");
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    const offered = await dialog.getByLabel("Group").locator("option").allTextContents();
    check(offered.join("|") === "They stay in theirs|gold|silver (archived)", offered.join("|"));
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const saved = () => server.last("PUT /api/v1/onboarding").body;
    check(saved().tags.join("|") === "key account|newcomer", saved().tags.join("|"));
    check(saved().countries.join("|") === "DE|AT", saved().countries.join("|"));
    check(saved().group_id === "silver", `the group is ${saved().group_id}`);
    await act(page, "Edit", { verb: "Save", fields: { "Marked there with": "top seller; new" } });
    check(saved().tags.join("|") === "top seller|new", saved().tags.join("|"));
  },

  "what is not decided for long is looked at while its dialog is open, and another one beside it is not sent without a word": async () => {
    const page = await begin("brand", { clock: true });
    const dialog = await withdraw(page);
    const [write, look] = ["POST /api/v1/withdrawals", "GET /api/v1/commands/c1"];
    const pending = { command_id: "c1", correlation_id: "x1", status: "pending" };
    server.on(write, pending);
    server.on(look, pending);
    const submit = dialog.locator("[type=submit]");
    const warning = dialog.getByText("both may be done");
    /** Time passes until it holds. */
    const passes = (holds, what) =>
      until(async () => {
        await page.clock.runFor(1_000);
        return holds();
      }, what);
    await submit.click();
    await shows(dialog, "Accepted, not decided yet");
    await dialog.getByLabel("Amount").fill("11.00");
    await passes(() => submit.isEnabled(), "it is followed for ever");
    check((await warning.count()) > 0, "another one is sent without a word");
    const before = server.count(look);
    await passes(() => server.count(look) > before, "nobody looks any more");
    await dialog.getByLabel("Amount").fill("10.00");
    await warning.waitFor({ state: "detached" });
    server.on(look, { ...pending, status: "completed" });
    await passes(async () => (await dialog.count()) === 0, "nobody hears that it is done");
    check(server.count(write) === 1, `it was sent ${server.count(write)} times`);
  },

  "where its files are gone, as in a rollout, the page says that it has to be loaded again": async () => {
    const sentence = "load the page again";
    for (const files of ["**/console/assets/**", "**/console/assets/*.js"]) {
      const page = await open();
      await page.route(files, (route) => route.fulfill({ status: 404, json: {} }));
      await expecting([...FAILED, "MIME type"], async () => {
        await page.goto(`${server.url}/console`);
        await shows(page, sentence);
      });
      await page.context().close();
    }
    const page = await begin("brand");
    check((await page.getByText(sentence).count()) === 0, "it says so where it is loaded");
  },

  "a service's log is followed while somebody looks, and then goes on behind its last message": async () => {
    const page = await begin("operator");
    const live = "GET /api/v1/operator/campaign/events/live";
    await go(page, "/operator/events?service=campaign");
    await until(() => server.count(live) > 0 && server.streams.size === 2, "nobody follows it");
    server.tell({ position: 1, topic: "t", message: { id: "m1", type: "seen.v1", subject: "s", time: Date.UTC(2026, 0, 1) * 1_000 } });
    await shows(page, "seen.v1");
    await become(page, "hidden");
    await until(() => server.streams.size === 0, "who does not look follows it");
    await become(page, "visible");
    await until(() => server.count(live) > 1, "nobody follows it again");
    check(server.last(live).headers["last-event-id"] === "2", "it does not go on behind the last message");
  },

  "evidence that is submitted again is for its own campaign": async () => {
    const page = await begin("partner");
    const returned = { id: "evidence1", campaign_id: "c", partner_id: "partner123", evidence_type: "photo", file_url: "https://a.example/1", status: "returned", submitted_at: "2026-01-01T00:00:00Z" };
    server.on("GET /api/v1/evidence", { items: [returned] });
    await go(page, "/partner/evidence");
    await page.getByRole("button", { name: "Submit again" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Where it is").fill("https://a.example/2");
    check((await dialog.getByLabel("Campaign").count()) === 0, "it may be changed, and is not sent");
    await dialog.getByRole("button", { name: "Submit", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    const { campaign_id, replaces } = server.last("POST /api/v1/evidence/upload").body;
    check(campaign_id === "c" && replaces === "evidence1", `${campaign_id} ${replaces}`);
  },

  "a webhook's description is taken away": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/webhooks/w", webhook("The shop"));
    await go(page, "/brand/webhooks/w");
    await act(page, "Edit", { verb: "Save", fields: { Description: "" } });
    const { body } = server.last("PATCH /api/v1/webhooks/w");
    check(JSON.stringify(body) === '{"description":""}', JSON.stringify(body));
  },

  "what came of a webhook leads nobody away from another page": async () => {
    const page = await begin("brand");
    const dialog = page.getByRole("dialog");
    server.on("GET /api/v1/webhooks/w", webhook("The shop"));
    const isOne = (url) => url.pathname.startsWith("/api/v1/webhooks");
    for (const [path, label, verb, method, done] of [
      ["/brand/webhooks", "New webhook", "Make it", "POST", "The webhook was made."],
      ["/brand/webhooks/w", "Remove", "Remove", "DELETE", "The webhook was removed."],
    ]) {
      let answer;
      await page.route(isOne, async (route) => {
        if (route.request().method() !== method) return route.fallback();
        await new Promise((resolve) => (answer = resolve));
        return route.fulfill({ json: { subject: "w" } });
      });
      await go(page, path);
      await page.getByRole("button", { name: label, exact: true }).click();
      if (method === "POST") await dialog.getByLabel("Where to").fill("https://hooks.example.com/");
      await dialog.getByRole("button", { name: verb, exact: true }).click();
      await until(() => answer, "it is not sent");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await go(page, "/brand/activity");
      answer();
      await shows(page, done);
      check(page.url().endsWith("/brand/activity"), page.url());
      await page.unroute(isOne);
    }
  },

  "clicks that are not known are compared with nothing": async () => {
    const sums = { items: [], totals: [], missing: ["tracking"], from: "2026-01-01", to: "2026-01-02" };
    const page = await begin("brand", { before: () => server.on("GET /api/v1/reports", sums) });
    const clicks = page.locator(".stat", { hasText: "Clicks today" });
    await clicks.getByText("–", { exact: true }).waitFor();
    check((await clicks.locator(".note").count()) === 0, await clicks.innerText());
  },

  "a filter that is not understood shows what is wrong with it, and not everything": async () => {
    for (const [person, path, wrong, list] of [
      ["operator", "/operator/events?service=compaign", "There is no service compaign.", /\/events$/],
      ["operator", "/operator/events?correlation=order-1", "That is no correlation id", /\/events$/],
      ["brand", "/brand/partners?country=Germany", "That is no country", /\/partners$/],
    ]) {
      const page = await begin(person);
      await go(page, path);
      await shows(page, wrong);
      check(!server.asked.some((it) => list.test(it.route)), `${path} asks for all`);
    }
    const page = await begin("brand");
    await go(page, "/brand/applications");
    const offered = await page.getByLabel("Status", { exact: true }).locator("option").allTextContents();
    check(offered[0] === "Applied" && offered.lastIndexOf("Applied") === 0, offered.join("|"));
  },

  "what is shown and refused since says why, until it is confirmed again": async () => {
    const page = await begin("brand");
    server.on("GET /api/v1/conversions/one/explanation", { sentences: ["It was a sale."], missing: [], truncated: false });
    const why = "You may not see these any more.";
    for (const [path, route, answer] of [
      ["/brand/conversions", "GET /api/v1/conversions", { items: [conversion("order-1")] }],
      ["/brand/conversions/one", "GET /api/v1/conversions/one", conversion("order-1")],
    ]) {
      server.on(route, answer);
      await go(page, path);
      await shows(page, "order-1");
      await loaded(page);
      await until(() => server.streams.size > 0, "nobody listens");
      await expecting(FAILED, async () => {
        server.on(route, problem(403, "forbidden", why));
        server.tell();
        await shows(page, why);
        await shows(page, "out of date");
        await shows(page, "order-1");
        server.on(route, answer);
        server.tell();
        await gone(page, why);
      });
    }
  },

  "an id that is a name of JavaScript's own is an id as any other": async () => {
    const page = await begin("partner");
    const cell = (row, label) => page.getByRole("row").filter({ hasText: row }).locator(`[data-label="${label}"]`);
    const names = ["constructor", "another"];
    server.on("GET /api/v1/campaigns", { items: names.map((id) => ({ ...campaign("active"), id, name: `Campaign ${id}` })) });
    server.on("GET /api/v1/enrollments", { items: [{ id: "e", campaign_id: "another", partner_id: "partner123", status: "enrolled" }] });
    await go(page, "/partner/campaigns");
    await cell("Campaign another", "You").getByText("Enrolled").waitFor();
    const status = await cell("Campaign constructor", "You").innerText();
    check(status.trim() === "–", status);
    server.on("GET /api/v1/links", { items: names.map((code) => ({ code, status: "active", created_at: "2026-01-01T00:00:00Z" })) });
    const rows = names.map((link_code) => ({ link_code, currency: "USD", clicks: 7 }));
    server.on("GET /api/v1/reports", ({ query }) => (query.get("group_by") === "link" ? { items: rows, totals: [], missing: [] } : undefined));
    await go(page, "/partner/links");
    for (const name of names) {
      const clicks = cell(name, "Clicks, 30 days");
      await until(async () => (await clicks.innerText()).trim() === "7", `${name}: ${await clicks.innerText()}`);
    }
  },
};

await walk(steps);
