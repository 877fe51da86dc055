// The README's walk as a front end would write it. It is compiled, not run: what it says must follow from the document.
import createClient from "openapi-fetch";
import type { components, paths } from "./bff.ts";

type Problem = components["schemas"]["Problem"];

const bff = createClient<paths>({
  baseUrl: "http://127.0.0.1:8002",
  headers: { Authorization: "Bearer …" },
});

/** What a command came to, waited for as long as the client prefers to. */
export async function accept(campaign: string): Promise<string> {
  const { data, error, response } = await bff.POST("/api/v1/campaigns/{id}/accept", {
    params: { path: { id: campaign }, header: { Prefer: "wait=5", "Idempotency-Key": "accept-1" } },
    body: { accepted_terms: true, metadata: { source: "mobile_app" } },
  });
  // 431 comes without a body.
  if (!data) return error ? refused(error) : "the request's headers are too long";
  // 202 has less to tell than 200.
  const status: "pending" | "completed" | "rejected" | "dropped" | "needs_attention" = data.status;
  return `${status} ${response.headers.get("Location")}`;
}

function refused(problem: Problem): string {
  // The list of codes is closed: each of these is one.
  switch (problem.code) {
    case "already_accepted":
    case "campaign_not_active":
      return "no";
    case "insufficient_balance":
      return "not enough";
    default:
      return `${problem.code}: ${problem.detail ?? problem.title}`;
  }
}

/** Amounts are numbers or strings. */
export async function pay(amount: number | string): Promise<string> {
  const { data, error } = await bff.POST("/api/v1/payments/request", {
    params: { header: { Prefer: "wait=5" } },
    body: { amount, currency: "USD", payment_method: "paypal", account_details: { email: "user@example.com" } },
  });
  if (data) return data.command_id;
  return error ? refused(error) : "the request's headers are too long";
}

export async function read(): Promise<string[]> {
  const payouts = await bff.GET("/api/v1/payouts", { params: { query: { status: "paid", limit: 10 } } });
  const balances = await bff.GET("/api/v1/balances");
  const amounts = payouts.data?.items.map((payout) => payout.amount) ?? [];
  const owed = balances.data?.items.map((balance) => balance.accounts.payable ?? "0") ?? [];
  return [...amounts, ...owed];
}

export async function misuse(): Promise<void> {
  // @ts-expect-error a status that there is none of
  await bff.GET("/api/v1/payouts", { params: { query: { status: "finished" } } });
  await bff.POST("/api/v1/payments/request", {
    // @ts-expect-error no such method of payment
    body: { amount: true, currency: "USD", payment_method: "cash", account_details: {} },
  });
  // @ts-expect-error the body may not be left out
  await bff.POST("/api/v1/campaigns/{id}/accept", { params: { path: { id: "camp123" } } });
  // But this one may.
  await bff.POST("/api/v1/campaigns/{id}/activate", { params: { path: { id: "camp123" } } });
}
