// Brand, partner and operator do their work in the console, each in a browser of their own, through the real stack.
import { LOOKS, act, check, expecting, go, inspect, inspectAll, leftOut, loaded, open, pictured, please, row, shows, signedIn, test, walk } from "./browser.mjs";

let brand, partner, operator;
let clickId = "";
let conversionPath = "";
let payoutPath = "";
let timelinePath = "";
let claimPath = "";
let transferPath = "";
let statementPath = "";
let webhookPath = "";
let workflowPath = "";
let deliveryPath = "";
let partnersWebhookPath = "";
let partnersDeliveryPath = "";

/** Where a page is, whoever looks at it. */
const place = (page) => new URL(page.url()).pathname.replace(/^\/console\/\w+/, "");
const drawn = (page) => page.getByRole("img", { name: /messages over/ }).waitFor();
const payable = (page) => page.locator(".stat", { hasText: "Payable" }).locator(".value");

/** A visitor's click on the link: what the shop's page gets as click_id. */
async function click() {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${test.tracking}/c/walk-link`, { redirect: "manual" });
    const to = answer.headers.get("location");
    if (to?.includes("click_id=")) return new URL(to).searchParams.get("click_id");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the link leads nowhere");
}

async function becomes(locator, text) {
  await locator.filter({ hasText: text }).waitFor();
}

const steps = {
  "people sign in": async () => {
    [brand, partner, operator] = [await signedIn("Brand"), await signedIn("Partner"), await signedIn("Operator")];
  },

  "a brand makes a campaign, publishes its terms and activates it": async () => {
    await go(brand, "/brand/campaigns");
    await act(brand, "New campaign", {
      verb: "Make it",
      fields: { Name: "Console walk", Id: "camp-walk", "Hosts that links": "shop.example.com", "Who may join": "approval" },
    });
    await brand.getByRole("link", { name: "Console walk" }).click();
    await act(brand, "Publish terms", {
      verb: "Publish",
      fields: { "Text that partners accept": "Ten per cent of every sale." },
      look: (dialog) => shows(dialog, "Nobody has accepted terms yet"),
    });
    await brand.locator("button:not([disabled])", { hasText: /^Activate$/ }).waitFor();
    await act(brand, "Activate");
    await brand.locator(".badge", { hasText: "Active" }).waitFor();
  },

  "a brand says what is done with every application": async () => {
    await go(brand, "/brand/onboarding");
    await shows(brand, "Nothing is done with them");
    await act(brand, "Edit", {
      verb: "Save",
      fields: { "Who looks after them": "Mia Meier", "Their mail address": "mia@example.com" },
      look: () => inspectAll(brand, "brand-onboarding-edit"),
    });
    await shows(brand, "Mia Meier");
    await shows(brand, "By you, one by one");
  },

  "a partner applies, the brand sees it by itself and approves, and the partner sees that": async () => {
    await go(brand, "/brand/applications");
    await go(partner, "/partner/campaigns");
    await partner.getByRole("link", { name: "Console walk" }).click();
    await act(partner, "Apply", { verb: "I accept the terms", look: (dialog) => shows(dialog, "10% of a sale") });
    await partner.locator(".badge", { hasText: "Applied" }).waitFor();
    const other = await signedIn("Brand");
    await go(other, "/brand/onboarding");
    await row(other, "camp-walk").getByText("Approval").waitFor();
    await row(other, "camp-walk").getByRole("link", { name: "partner123" }).click();
    await row(other, "Manager").getByText("Completed").waitFor();
    await row(other, "Crm contact").getByText("Not configured").waitFor();
    workflowPath = place(other);
    await act(brand, "Approve", { within: row(brand, "camp-walk") });
    await partner.locator(".badge", { hasText: "Enrolled" }).waitFor();
    await row(other, "Approval").getByText("Completed").waitFor();
    await go(operator, "/operator/workflows?status=completed");
    await row(operator, "camp-walk").getByText("brand123").waitFor();
    await other.context().close();
  },

  "what new terms change is shown before they are published": async () => {
    await go(brand, "/brand/campaigns/camp-walk");
    await brand.getByRole("button", { name: "New terms" }).click();
    const dialog = brand.getByRole("dialog");
    await dialog.getByLabel("Per cent, or amount").fill("5");
    await shows(dialog, "A sale earns 5% instead of 10%. That is worse for partners.");
    await shows(dialog, "1 partner keeps version 1 until it accepts version 2.");
    await shows(dialog, "Who joins from now on accepts version 2.");
    await inspectAll(brand, "brand-terms-preview");
    await dialog.getByLabel("Per cent, or amount").fill("12");
    await shows(dialog, "1 partner has version 2 by itself from now on.");
    await dialog.getByRole("button", { name: "Cancel" }).click();
  },

  "an edit sends what was changed, and nothing that was only shown": async () => {
    await act(brand, "Edit", { verb: "Save", fields: { "Hosts that links": "www.example.com shop.example.com" } });
    // It has none of its own: it is on the first host.
    await shows(brand, "https://www.example.com/");
  },

  "the partner makes a link, and a click on it is counted without reload": async () => {
    await act(partner, "New link", { verb: "Make it", fields: { "Where it leads": "https://shop.example.com/", Code: "walk-link" } });
    await partner.getByRole("heading", { level: 1, name: "walk-link" }).waitFor();
    await partner.getByRole("img", { name: "QR code" }).waitFor();
    clickId = await click();
    await shows(partner, "Total 1");
    await act(partner, "Edit", { verb: "Save", fields: { utm_source: "walk-source" } });
    await shows(partner, "walk-source");
    await act(partner, "Edit", { verb: "Save", fields: { utm_source: "" } });
    await partner.getByText("walk-source").waitFor({ state: "detached" });
  },

  "a purchase changes the partner's balance without reload": async () => {
    await go(partner, "/partner");
    await becomes(payable(partner), "$200.00");
    await partner.evaluate(() => (window.wasLoadedOnce = true));
    await go(brand, "/brand/conversions");
    await act(brand, "Report a conversion", {
      verb: "Report it",
      fields: { Customer: "buyer-1", "Order number": "walk-1", Amount: "100.00", "Click id": clickId },
    });
    await becomes(payable(partner), "$210.00");
    check(await partner.evaluate(() => window.wasLoadedOnce), "the page was loaded again");
    await partner.getByRole("link", { name: "walk-1" }).click();
    await shows(partner, "10 % of 100.00 USD is 10.00 USD");
    await shows(partner, "The ledger holds for it");
    conversionPath = place(partner);
  },

  "a purchase without a click is shown to the brand that reported it, and why it is nobody's": async () => {
    await go(brand, "/brand/conversions");
    await act(brand, "Report a conversion", {
      verb: "Report it",
      fields: { Customer: "buyer-9", "Order number": "walk-9", Amount: "20.00" },
    });
    await go(brand, "/brand/conversions?status=unattributed");
    await row(brand, "walk-9").getByText("No click").waitFor();
  },

  "a claim is open until the brand accepts it": async () => {
    await go(brand, "/brand/claims");
    await go(partner, "/partner/claims");
    await act(partner, "Report an order", {
      verb: "Report it",
      fields: { "Click id": await click(), Customer: "buyer-2", "Order number": "walk-2", Amount: "50.00" },
    });
    await row(partner, "walk-2").getByText("Open").waitFor();
    await act(brand, "Accept", { within: row(brand, "walk-2") });
    await row(partner, "walk-2").getByText("Accepted").waitFor();
    await go(partner, "/partner");
    await becomes(payable(partner), "$215.00");
  },

  "an order that was only claimed says why it earns nothing, from wherever it is named": async () => {
    await go(partner, "/partner/claims");
    await act(partner, "Report an order", {
      verb: "Report it",
      fields: { "Click id": await click(), Customer: "buyer-3", "Order number": "walk-3", Amount: "30.00" },
    });
    for (const page of [partner, brand, operator]) {
      await page.getByLabel("Find a number or id").fill("walk-3");
      await page.keyboard.press("Enter");
      await page.getByRole("region", { name: "Found" }).getByRole("link", { name: /^Order walk-3/ }).click();
      await shows(page, "a claim earns nothing until");
    }
    check(new URL(operator.url()).searchParams.get("brand") === "brand123", operator.url());
    await partner.getByRole("link", { name: /^clm_/ }).click();
    await partner.getByRole("heading", { level: 1, name: "Claim" }).waitFor();
    await shows(partner, "a claim earns nothing until");
    claimPath = place(partner);
    await go(brand, `/brand${claimPath}`);
    await brand.getByRole("button", { name: "Accept", exact: true }).waitFor();
    await partner.locator(".facts").getByRole("link", { name: /^clk_/ }).click();
    await drawn(partner);
    await shows(partner, "conversion.claimed");
  },

  "an entry of an account leads to what moved it": async () => {
    await go(partner, "/partner/money");
    await partner.getByRole("link", { name: "Payable" }).click();
    const entry = row(partner, "brand:brand123:funds");
    timelinePath = (await entry.getByRole("link").last().getAttribute("href")).replace("/console/partner", "");
    await entry.getByRole("link").first().click();
    await partner.getByRole("heading", { level: 1, name: "Transfer" }).waitFor();
    await shows(partner, /^So .* USD went from brand:brand123:funds to partner:partner123:payable\.$/);
    transferPath = place(partner);
  },

  "a timeline is asked for by a number or id, by everybody": async () => {
    await go(operator, "/operator/timeline");
    await operator.getByLabel("Of", { exact: true }).selectOption("order_id");
    await operator.getByLabel("Which").fill("walk-1");
    await operator.getByLabel("Brand").fill("brand123");
    await operator.getByRole("button", { name: "Show" }).click();
    await drawn(operator);
    await shows(operator, "commission.calculated");
    for (const [page, role] of [[partner, "partner"], [brand, "brand"]]) {
      await go(page, `/${role}${conversionPath}`);
      await page.getByRole("link", { name: "Timeline", exact: true }).and(page.locator(".button")).click();
      await drawn(page);
      await page.getByLabel("Which").fill("00000000-0000-7000-8000-000000000000");
      await page.getByLabel("Of", { exact: true }).selectOption("correlation_id");
      await expecting(["status of 404"], async () => {
        await page.getByRole("button", { name: "Show" }).click();
        await shows(page, "Nothing has this number or id");
        await go(page, `/${role}`);
      });
    }
  },

  "a payout is requested and its steps are seen": async () => {
    await go(partner, "/partner/money");
    await act(partner, "Request a payout", { verb: "Request it", fields: { Amount: "20.00", "PayPal account": "user@example.com" } });
    await partner.getByRole("link", { name: "$20.00" }).click();
    await partner.locator(".badge", { hasText: "Paid" }).waitFor();
    payoutPath = place(partner);
    await partner.getByRole("link", { name: "Timeline", exact: true }).and(partner.locator(".button")).click();
    await drawn(partner);
    await shows(partner, "payout.paid");
  },

  "a payout whose answer is lost is shown again, and requested once": async () => {
    await go(partner, "/partner/money");
    await partner.getByRole("button", { name: "Request a payout" }).click();
    const dialog = partner.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("21.00");
    await dialog.getByLabel("PayPal account").fill("user@example.com");
    await partner.evaluate(() => {
      const real = window.fetch;
      window.fetch = async (...given) => {
        const answer = await real(...given);
        if (given[0].method !== "POST") return answer;
        window.fetch = real;
        throw new TypeError("the answer is lost");
      };
    });
    await dialog.getByRole("button", { name: "Request it" }).click();
    await shows(dialog, "whether this was done is not known");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    const payouts = partner.getByRole("link", { name: "$21.00" });
    await payouts.waitFor();
    await partner.getByRole("button", { name: "Request a payout" }).click();
    check((await dialog.getByLabel("Amount").inputValue()) === "21.00", "it is not the same payout");
    await dialog.getByRole("button", { name: "Send again" }).click();
    await dialog.waitFor({ state: "detached" });
    await go(partner, "/partner");
    await go(partner, "/partner/money");
    await payouts.first().waitFor();
    check((await payouts.count()) === 1, "it was requested twice");
    // What has ended begins anew.
    await partner.getByRole("button", { name: "Request a payout" }).click();
    await dialog.getByRole("button", { name: "Request it" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  },

  "a refusal names the reason, the field and the correlation id": async () => {
    await go(partner, "/partner/money");
    await expecting(["status of 422"], async () => {
      await partner.getByRole("button", { name: "Request a payout" }).click();
      const dialog = partner.getByRole("dialog");
      await dialog.getByLabel("Amount").fill("100000.00");
      await dialog.getByLabel("PayPal account").fill("user@example.com");
      await dialog.getByRole("button", { name: "Request it" }).click();
      await shows(dialog, "Insufficient balance");
      await shows(dialog, "Correlation id:");
      await inspectAll(partner, "partner-refusal");
      await dialog.getByRole("button", { name: "Cancel" }).click();
    });
  },

  "a brand's key is shown once, and revoked": async () => {
    await go(brand, "/brand/keys");
    await brand.getByRole("button", { name: "New key" }).click();
    const dialog = brand.getByRole("dialog");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await dialog.locator(".secret").first().waitFor();
    const [secret, signing] = await dialog.locator(".secret").allInnerTexts();
    check(secret.startsWith("trib_"), secret);
    check(signing && signing !== secret, "what visitors are signed with is not shown");
    await dialog.locator(".dialog-foot").getByRole("button", { name: "Close" }).click();
    await act(brand, "Revoke");
    await brand.locator(".badge", { hasText: "Revoked" }).waitFor();
    check(!(await brand.content()).includes(secret), "the secret is still on the page");
  },

  "a brand has its system sent what happens, and sends again what that did not take": async () => {
    await go(brand, "/brand/webhooks");
    await expecting(["status of 400", "status of 422"], async () => {
      await brand.getByRole("button", { name: "New webhook" }).click();
      const dialog = brand.getByRole("dialog");
      await dialog.getByLabel("Where to").fill(test.receiver);
      await dialog.getByLabel("Types of events").fill("campaign.paused.v1\nno.such.v1");
      await dialog.getByRole("button", { name: "Make it" }).click();
      await shows(dialog, "must be a type of event");
      await dialog.getByLabel("Types of events").fill("campaign.paused.v1");
      await dialog.getByLabel("Description").fill("The shop");
      await dialog.getByRole("button", { name: "Make it" }).click();
      await dialog.waitFor({ state: "detached" });
    });
    await brand.getByRole("heading", { level: 1, name: "Webhook", exact: true }).waitFor();
    await shows(brand, test.receiver);
    webhookPath = place(brand);
    await brand.getByRole("button", { name: "Show the secret" }).click();
    const secret = await brand.locator(".secret").innerText();
    check(secret.startsWith("whsec_"), secret);
    await brand.getByRole("button", { name: "Hide" }).click();
    check(!(await brand.content()).includes(secret), "the secret is still on the page");
    await act(brand, "Rotate");
    await shows(brand, "The one of before counts until");
    await act(brand, "Send a test", { verb: "Send it" });
    await row(brand, "webhook_endpoint.tested.v1").locator(".badge", { hasText: "Delivered" }).waitFor();
    await act(brand, "Resend", { within: row(brand, "webhook_endpoint.tested.v1") });
    await row(brand, "webhook_endpoint.tested.v1").getByRole("link").click();
    await brand.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
    await brand.locator(".steps li.done").nth(1).waitFor();
    deliveryPath = place(brand);
    await brand.locator(".back").click();
    await brand.getByRole("heading", { level: 1, name: "Webhook", exact: true }).waitFor();
    await brand.getByRole("combobox", { name: "Deliveries" }).selectOption("failed");
    await shows(brand, "No delivery stands so");
    await brand.getByRole("combobox", { name: "Deliveries" }).selectOption("");
    await act(brand, "Disable");
    await brand.locator(".badge", { hasText: "Disabled" }).waitFor();
    await act(brand, "Enable");
    await brand.locator(".badge", { hasText: "Enabled" }).waitFor();
    await act(brand, "Edit", { verb: "Save", fields: { Description: "The shop's server" } });
    await shows(brand, "The shop's server");
    await inspectAll(brand, "brand-webhook");
    // One more, which is removed.
    await go(brand, "/brand/webhooks");
    await act(brand, "New webhook", { verb: "Make it", fields: { "Where to": test.receiver, Description: "Not for long" } });
    await brand.getByRole("heading", { level: 1, name: "Webhook", exact: true }).waitFor();
    await act(brand, "Remove");
    await brand.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
    await brand.getByRole("link", { name: "Not for long" }).waitFor({ state: "detached" });
    await go(operator, "/operator/webhooks");
    await row(operator, "The shop's server").waitFor();
    await row(operator, "brand123").waitFor();
  },

  "a partner has postbacks sent to its tracker, which no brand sees": async () => {
    await go(partner, "/partner/webhooks");
    await shows(partner, "No webhooks yet");
    await partner.getByRole("button", { name: "New webhook" }).click();
    const dialog = partner.getByRole("dialog");
    await dialog.getByLabel("What is sent").selectOption("postback");
    await expecting(["status of 400", "status of 422"], async () => {
      await dialog.getByLabel("Where to").fill(`${test.receiver}?cid={clickid}`);
      await dialog.getByRole("button", { name: "Make it" }).click();
      await shows(dialog, "must not name {clickid}");
    });
    await inspectAll(partner, "partner-postback");
    await dialog.getByLabel("Where to").fill(`${test.receiver}?cid={click_id}&event={event}&payout={commission}`);
    await dialog.getByRole("button", { name: "Make it" }).click();
    await dialog.waitFor({ state: "detached" });
    await partner.getByRole("heading", { level: 1, name: "Webhook", exact: true }).waitFor();
    partnersWebhookPath = place(partner);
    await go(brand, "/brand/conversions");
    await act(brand, "Report a conversion", {
      verb: "Report it",
      fields: { Customer: "buyer-1", "Order number": "walk-postback", Amount: "40.00", "Click id": clickId },
    });
    await row(partner, "commission.calculated.v1").locator(".badge", { hasText: "Delivered" }).waitFor();
    await row(partner, "commission.calculated.v1").getByRole("link").click();
    await partner.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
    await shows(partner, new RegExp(`cid=${clickId}&event=commission.calculated.v1&payout=\\d`));
    partnersDeliveryPath = place(partner);
    await expecting(["status of 404"], async () => {
      await go(brand, `/brand${partnersWebhookPath}`);
      await shows(brand, "Correlation id:");
      await go(brand, "/brand");
    });
  },

  "people are mailed what happened, and an operator sees what became of it": async () => {
    await go(operator, "/operator/mailbox");
    await shows(operator, "The mailbox is empty");
    await go(partner, "/partner/mail");
    await partner.getByRole("button", { name: "Change addresses" }).click();
    const dialog = partner.getByRole("dialog");
    await expecting(["status of 400", "status of 422"], async () => {
      await dialog.getByRole("textbox", { name: /^Address 1/ }).fill("mia@localhost");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.locator(".wrong").first().waitFor();
    });
    await dialog.getByRole("textbox", { name: /^Address 1/ }).fill("mia@example.com");
    await dialog.getByLabel("Language of address 1").selectOption("de");
    await dialog.getByRole("textbox", { name: /^Address 2/ }).fill("books@example.com");
    for (const group of ["Applications and invitations", "Claims and commissions", "What was switched off"]) {
      await dialog.getByRole("group", { name: "What address 2 is sent" }).getByLabel(group).uncheck();
    }
    await inspectAll(partner, "partner-mail-addresses");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await row(partner, "m***@example.com").getByText("German").waitFor();
    await row(partner, "b***@example.com").getByText("Money").waitFor();
    await go(partner, "/partner/money");
    await act(partner, "Request a payout", { verb: "Request it", fields: { Amount: "3.00", "PayPal account": "user@example.com" } });
    await operator.getByRole("button", { name: /Ihre Auszahlung/ }).first().click();
    const mail = operator.getByRole("dialog");
    await mail.locator("pre").first().filter({ hasText: "3,00 USD" }).waitFor();
    await inspectAll(operator, "operator-mail");
    await mail.getByRole("button", { name: "Close" }).click();
    await go(operator, "/operator/mails?state=sent");
    await row(operator, "payout.requested.v1").locator(".badge", { hasText: "Sent" }).waitFor();
    await go(operator, "/operator/mail-templates");
    await operator.getByRole("link", { name: "payout.paid.v1" }).click();
    await shows(operator, /^Your payout of .* was paid$/);
    await operator.getByLabel("Language").selectOption("de");
    await shows(operator, /^Ihre Auszahlung/);
  },

  "a brand writes what its partners are told, sees what it looks like, and goes back to ours": async () => {
    await go(brand, "/brand/mail");
    await row(brand, "enrollment.approved.v1").getByText("Ours").first().waitFor();
    await brand.getByRole("link", { name: "enrollment.approved.v1" }).click();
    const look = async (dialog) => {
      await dialog.getByText("Hello partner123").first().waitFor();
      await inspectAll(brand, "brand-mail-text");
    };
    await act(brand, "Edit English", { verb: "Save", fields: { Subject: "Hello {{ partner_id }}", Text: "Lovely to have you." }, look });
    await shows(brand, "Lovely to have you.");
    await act(brand, "Back to ours in English", { verb: "Back to ours" });
    await shows(brand, "You take part in {{ campaign }}");
  },

  "evidence is submitted, returned, submitted again and approved": async () => {
    const evidence = { Campaign: "camp-walk", "What it is": "photo", "Where it is": "https://example.com/photo.jpg", Notes: "Shot on site" };
    await go(brand, "/brand/evidence");
    await go(partner, "/partner/evidence");
    await act(partner, "Submit evidence", { verb: "Submit", fields: evidence });
    await row(brand, "photo.jpg").getByText("Note: Shot on site").waitFor();
    await act(brand, "Return");
    await act(partner, "Submit again", { verb: "Submit", fields: { "Where it is": "https://example.com/better.jpg" } });
    await act(brand, "Approve", { within: row(brand, "better.jpg") });
    await row(partner, "better.jpg").getByText("Approved").waitFor();
  },

  "a report sums up what came of clicks, and is had as a file": async () => {
    await go(brand, "/brand/reports");
    await brand.getByRole("region", { name: "Report" }).waitFor();
    await brand.getByLabel("Rows").selectOption("campaign");
    await row(brand, "camp-walk").waitFor();
    const total = await row(brand, "Total").first().innerText();
    check(/\d/.test(total), total);
    const [file] = await Promise.all([brand.waitForEvent("download"), brand.getByRole("button", { name: "Download CSV" }).click()]);
    check(/^report-.*\.csv$/.test(file.suggestedFilename()), file.suggestedFilename());
    await expecting(["status of 400"], async () => {
      await go(brand, "/brand/reports?from=2020-01-01&to=2026-01-01");
      await shows(brand, "Correlation id:");
      await go(brand, "/brand/reports?from=2020-01-01&to=2020-01-02");
      await shows(brand, "Nothing happened on these days");
    });
  },

  "a number or id is found from any page": async () => {
    await go(partner, "/partner");
    await partner.getByLabel("Find a number or id").fill("walk-link");
    await partner.keyboard.press("Enter");
    await partner.getByRole("region", { name: "Found" }).getByRole("link").first().click();
    await partner.waitForURL("**/partner/links/walk-link");
    await go(partner, "/partner/search?q=nobody-has-this");
    await shows(partner, "Nothing has this number or id");
  },

  "a dead letter is edited, tried, put in place and redriven": async () => {
    await please("break");
    await go(brand, "/brand/campaigns");
    await brand.getByRole("button", { name: "New campaign" }).click();
    const dialog = brand.getByRole("dialog");
    for (const [name, value] of [["Name", "Spring slae"], ["Id", "camp-spring"], ["Hosts that links", "shop.example.com"]]) {
      await dialog.getByLabel(name).first().fill(value);
    }
    await dialog.getByRole("button", { name: "Make it", exact: true }).click();
    await shows(dialog, "Accepted, not decided yet");
    await please("dead");
    await dialog.getByText("an operator has to look").waitFor();
    check(await dialog.getByRole("button", { name: "Make it", exact: true }).isDisabled(), "it can be sent a second time");
    await dialog.getByRole("button", { name: "Cancel" }).click();

    await go(operator, "/operator");
    await operator.getByRole("row", { name: "campaign" }).getByRole("link", { name: "1", exact: true }).click();
    await operator.getByRole("link", { name: "campaign.create" }).click();
    const payload = operator.getByLabel("Payload, as JSON");
    await payload.waitFor();
    await operator.getByRole("button", { name: "Dry run", exact: true }).click();
    await shows(operator, "Dry run: Failed");
    await payload.fill("{");
    await operator.getByRole("button", { name: "Dry run of the edit" }).click();
    await shows(operator, "The payload is no JSON");
    await operator.getByRole("button", { name: "Undo the edit" }).click();
    const text = await payload.inputValue();
    check(text.includes('"Spring slae"'), text);
    await expecting(["status of 422"], async () => {
      await payload.fill(text.replace('"Spring slae"', "7"));
      await operator.getByRole("button", { name: "Dry run of the edit" }).click();
      await shows(operator, "Correlation id:");
    });
    await payload.fill(text.replace('"Spring slae"', '"Spring sale"'));
    await operator.getByRole("button", { name: "Dry run of the edit" }).click();
    await shows(operator, "Dry run: Handled");
    await inspectAll(operator, "operator-dead-letter");
    const reason = { "Your reason": "the name was misspelt" };
    await act(operator, "Put it in place", { fields: reason });
    await shows(operator, "parked.edit");
    await expecting(["status of 404"], async () => {
      await act(operator, "Redrive", { fields: reason });
      await shows(operator, "It is no longer in the retry queue.");
      await row(brand, "Spring sale").getByText("Draft").waitFor();
      await please("mend");
      // Until then the page goes on asking: it may come back.
      await go(operator, "/operator/audit?service=campaign");
      await row(operator, "parked.redrive").waitFor();
    });
  },

  "many dead letters are redriven, with how far it is": async () => {
    await go(operator, "/operator/parked?service=campaign");
    await act(operator, "Redrive many", { verb: "Redrive", fields: { "Your reason": "none is left" } });
    await operator.getByRole("progressbar").first().waitFor();
    await operator.locator(".badge", { hasText: "Done" }).first().waitFor();
  },

  "tables are verified against the log": async () => {
    await go(operator, "/operator/replays?service=bff");
    const comparesOnly = async (dialog) => check((await dialog.getByLabel("What to do").inputValue()) === "verify", "it would put the tables in place");
    await act(operator, "Replay", { verb: "Begin", fields: { "Your reason": "to be sure" }, look: comparesOnly });
    await operator.locator(".badge", { hasText: "Done" }).waitFor();
    await operator.getByText("Every row is the same").click();
    const rows = await row(operator, "conversions").locator("td").allInnerTexts();
    check(rows[1] === rows[2] && Number(rows[1]) >= 2 && rows[3] === "0", rows.join());
  },

  "an operator sees how far each follower is, that the ledger adds up, and what a check of the ten rules came to": async () => {
    await go(operator, "/operator/streams?service=tracking");
    await shows(operator, "messages in epoch 1");
    await row(operator, "commission").locator(".badge", { hasText: "Handled" }).waitFor();
    await shows(operator, "At the broker:");
    await go(operator, "/operator/ledger");
    await shows(operator, "The ledger adds up.");
    await row(operator, "Partner: payable").waitFor();
    await operator.getByRole("button", { name: "Prove it again" }).click();
    await go(operator, "/operator/rules");
    await shows(operator, "Nobody has checked yet");
    await please("check");
    await shows(operator, "A rule is broken");
    await row(operator, "9. Money is integers").locator(".badge", { hasText: "Broken" }).waitFor();
    await row(operator, "1. One effect").locator(".badge", { hasText: "Holds" }).waitFor();
    await shows(operator, "a cent is missing");
  },

  "the event log follows what happens, and a request is a sequence over services": async () => {
    await go(operator, "/operator/events?service=campaign");
    await shows(operator, "Following campaign");
    await go(brand, "/brand/campaigns/camp-walk");
    await act(brand, "Pause");
    await shows(operator, "campaign.paused.v1");
    await act(brand, "Resume");
    await go(operator, "/operator/events?type=ledger.posted.v1");
    // What was shown before is gone first.
    await operator.locator("summary", { hasText: "campaign.paused" }).waitFor({ state: "detached" });
    await operator.locator("summary", { hasText: "ledger.posted" }).first().click();
    await operator.locator("details[open]").getByRole("link", { name: /^Timeline of/ }).click();
    await drawn(operator);
    await shows(operator, "ledger.posted");
  },

  "while the server is away nothing lies, and a write goes on when it is back": async () => {
    await go(partner, "/partner/profile");
    await loaded(partner);
    await partner.getByRole("button", { name: "Edit" }).click();
    const dialog = partner.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Paula Partner");
    await expecting(["ERR_", "Failed to load resource", "status of 50"], async () => {
      await please("kill");
      await dialog.getByRole("button", { name: "Save" }).click();
      await shows(dialog, "whether this was done is not known");
      await partner.locator(".foot .live.away", { hasText: "Disconnected" }).waitFor();
      await partner.getByText("The server cannot be reached.").first().waitFor();
      await shows(partner, "This may be out of date");
      await inspectAll(partner, "partner-away");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await dialog.waitFor({ state: "detached" });
      await brand.locator(".foot .live.away").waitFor();
      await please("revive");
      await partner.locator(".foot .live:not(.away)", { hasText: "Live" }).waitFor();
      await partner.getByRole("button", { name: "Edit" }).click();
      check((await dialog.getByLabel("Name").inputValue()) === "Paula Partner", "what was sent is forgotten");
      await dialog.getByRole("button", { name: "Send again" }).click();
      await dialog.waitFor({ state: "detached" });
      await shows(partner, "Paula Partner");
      await brand.locator(".foot .live:not(.away)", { hasText: "Live" }).waitFor();
    });
  },

  "a month that is over has a statement, whose lines are had as a file": async () => {
    await please("month");
    const statements = partner.getByRole("region", { name: "Statements" });
    for (let tries = 0; tries < 100 && (await statements.getByRole("link").count()) === 0; tries += 1) {
      await go(partner, "/partner/profile");
      await go(partner, "/partner/money");
      await loaded(partner);
    }
    await statements.getByRole("link").first().click();
    await partner.getByRole("heading", { level: 1, name: "Statement" }).waitFor();
    await row(partner, "Paid out").waitFor();
    statementPath = place(partner);
    const [file] = await Promise.all([partner.waitForEvent("download"), partner.getByRole("button", { name: "Download CSV" }).click()]);
    await go(partner, "/partner/profile");
    check(/^statement-\d{4}-\d{2}\.csv$/.test(file.suggestedFilename()), file.suggestedFilename());
  },

  "no token is kept where it could be read later": async () => {
    for (const page of [brand, partner, operator]) {
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
      check(!/ey[A-Za-z0-9_-]{10}/.test(kept), kept);
    }
  },

  "a reload signs in again, signing out does not": async () => {
    await partner.reload();
    await partner.getByRole("heading", { level: 1, name: "Profile" }).waitFor();
    await partner.getByRole("button", { name: "Sign out" }).click();
    await partner.getByRole("button", { name: /^Partner/ }).waitFor();
    await inspectAll(partner, "sign-in");
    await partner.reload();
    await partner.getByRole("button", { name: /^Partner/ }).waitFor();
    // A page of another role is not shown to this one.
    await brand.goto(`${test.bff}/console/operator/parked`);
    await shows(brand, "There is nothing here, or not for your role.");
  },

  "an address that says as whom signs in, and forgets that": async () => {
    const page = await open();
    await page.goto(`${test.bff}/console/partner/links?as=partner`);
    await page.getByRole("heading", { level: 1, name: "Links" }).waitFor();
    check(page.url().endsWith("/console/partner/links"), page.url());
    await page.context().close();
  },

  "every page is right for everybody, in both themes, on a phone and at a desk": async () => {
    const commission = conversionPath.replace("conversions", "commissions");
    const notified = ["/webhooks", webhookPath];
    const shared = [conversionPath, "/orders/walk-1", claimPath, commission, transferPath, "/timeline", timelinePath, "/timeline?order_id=walk-1"];
    const pages = {
      partner: ["", "/campaigns", "/campaigns/camp-walk", "/links", "/links/walk-link", "/reports", "/search?q=walk-link", "/conversions", "/claims", "/evidence", "/commissions", "/money", payoutPath, statementPath, "/accounts/partner:partner123:payable:USD", "/activity", "/profile", "/nowhere", "/webhooks", partnersWebhookPath, partnersDeliveryPath, "/mail", ...shared],
      brand: ["", "/campaigns", "/campaigns/camp-walk", "/applications", "/onboarding", "/mail/enrollment.approved.v1", workflowPath, "/partners", "/partners/partner123", "/groups", "/links", "/links/walk-link", "/reports", "/reports?by=campaign,partner&zone=UTC", "/search?q=nothing", "/conversions", "/claims", "/evidence", "/commissions", "/funds", "/accounts/brand:brand123:funds:USD", "/keys", "/activity", "/settings", "/mail", ...notified, deliveryPath, ...shared],
      operator: ["", "/events", "/parked", "/commands", "/replays", "/streams", "/storage", "/rules", "/audit", "/ledger", "/payouts", payoutPath, "/funds", "/accounts/brand:brand123:funds:USD", "/reports?by=group", "/search?q=camp-walk", "/campaigns", "/workflows", workflowPath, "/partners", "/partners/partner123", "/conversions", "/commissions", "/claims", "/evidence", "/mails", "/mailbox", "/mail-templates", "/mail-templates/payout.paid.v1", ...notified, deliveryPath, ...shared],
    };
    for (const look of LOOKS) {
      const [theme, width] = look;
      for (const [person, paths] of Object.entries(pages)) {
        const page = await signedIn(person, { theme, width });
        for (const path of paths) {
          await go(page, `/${person}${path}`);
          const name = `${person}${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "one").replaceAll(/[/:?=&,]/g, "-")}`;
          await inspect(page, name, look);
        }
        await page.context().close();
      }
    }
    const left = leftOut(test.routes);
    check(left.length === 0, `not inspected:\n${left.join("\n")}`);
    const unknown = test.documented.filter((name) => !pictured.has(name));
    check(unknown.length === 0, `documents show what is not taken: ${unknown.join(" ")}`);
  },

  "all of it is reached by the keyboard alone": async () => {
    const page = await signedIn("brand");
    await page.keyboard.press("Tab");
    check((await page.evaluate(() => document.activeElement?.textContent)) !== null, "nothing has the focus");
    await go(page, "/brand/keys");
    await page.getByRole("button", { name: "New key" }).focus();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    // As fast as keys are pressed: what is left of a closed dialog does not close the next one.
    for (let times = 0; times < 10; times += 1) {
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      check(await page.evaluate(() => document.querySelector("dialog")?.contains(document.activeElement)), "the focus is outside of the dialog");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      check((await focused()) === "New key", "the focus did not come back");
    }
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    check((await focused()) === "New key", "the focus did not come back from a button");
  },
};

await walk(steps);
