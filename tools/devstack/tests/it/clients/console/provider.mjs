// Signing in at an identity provider, by the code flow with PKCE.
import { check, expecting, go, open, test, walk } from "./browser.mjs";

const page = await open();
const home = () => page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
const signInPage = () => page.getByRole("button", { name: "Sign in", exact: true }).waitFor();

await walk({
  "who is not known is shown the page to sign in": async () => {
    await page.goto(`${test.bff}/console/partner`);
    await signInPage();
  },

  "a person comes back signed in, to the page that was wanted, and no code is left in an address": async () => {
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await home();
    check(new URL(page.url()).pathname === "/console/partner" && !page.url().includes("?"), page.url());
    await page.getByText("paula@example.com").first().waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    check(!/ey[A-Za-z0-9_-]{10}|code-|verifier/.test(kept), kept);
  },

  "a reload asks the provider silently": async () => {
    await page.reload();
    await home();
  },

  "while the provider is away, the page says so": async () => {
    await expecting(["ERR_FAILED"], async () => {
      const provider = "**/.well-known/openid-configuration";
      await page.route(provider, (route) => route.abort());
      await page.reload();
      await page.getByText("The identity provider cannot be reached.").waitFor();
      await signInPage();
      await page.unroute(provider);
    });
    await page.reload();
    await home();
  },

  "an answer that nobody here asked for is refused": async () => {
    await page.goto(`${test.bff}/console/callback?code=code-of-somebody&state=made-up`);
    await page.getByText("This sign-in was not begun here.").waitFor();
    check(!page.url().includes("code="), page.url());
  },

  "who signs out is out at the provider, too": async () => {
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await home();
    // By way of the provider, and back.
    const back = page.waitForEvent("load");
    await page.getByRole("button", { name: "Sign out" }).click();
    await back;
    await signInPage();
    await page.reload();
    await signInPage();
    // Who was signed in and is not known any more: the provider says so, and the page is shown again.
    await page.evaluate(() => sessionStorage.setItem("tributary.signed-in-as", "oidc"));
    await page.reload();
    await signInPage();
  },

  "who signs out once the session has ended is out at the provider, too": async () => {
    const all = "**/api/v1/**";
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await home();
    await expecting(["status of 401"], async () => {
      await page.route(all, (route) => route.fulfill({ status: 401, contentType: "application/problem+json", json: { status: 401, code: "unauthorized", title: "No" } }));
      await go(page, "/partner/conversions");
      const asking = page.getByRole("dialog").filter({ hasText: "Sign in again" });
      await asking.waitFor();
      await page.keyboard.press("Escape");
      await asking.waitFor({ state: "detached" });
      const back = page.waitForEvent("load");
      await page.getByRole("button", { name: "Sign out" }).click();
      await back;
    });
    await signInPage();
    await page.unroute(all);
    // The provider says that it knows nobody: else the page would be there.
    await page.evaluate(() => sessionStorage.setItem("tributary.signed-in-as", "oidc"));
    await page.reload();
    await signInPage();
  },
});
