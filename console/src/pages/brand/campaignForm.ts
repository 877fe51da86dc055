/** What a campaign has that a brand fills in. */
import type { Schemas } from "../../lib/api";
import { intervals, joinModes } from "../../lib/choices";
import type { Field, Values } from "../../ui/form";

type Campaign = Schemas["CampaignView"];

export function fields(of?: Campaign): Field[] {
  const asNew: Field[] = [
    { name: "campaign_id", label: "Id", hint: "Chosen by you, or made." },
    { name: "currency", label: "Currency", required: true, value: "USD", hint: "Of all that it pays. It stays." },
  ];
  return [
    { name: "name", label: "Name", required: true, value: of?.name },
    ...(of ? [] : asNew),
    { name: "allowed_hosts", label: "Hosts that links may lead to", required: true, value: of?.allowed_hosts.join(" "), placeholder: "shop.example.com" },
    { name: "join", label: "Who may join", type: "select", options: joinModes, value: of?.join ?? "open", required: true },
    { name: "description", label: "Description", type: "textarea", value: of?.description ?? "" },
    { name: "landing_url", label: "Landing page", type: "url", value: of?.landing_url ?? "" },
    { name: "fallback_url", label: "Fallback page", type: "url", value: of?.fallback_url ?? "", hint: "Where visitors go while it is paused or once it is closed." },
    { name: "starts_at", label: "Starts", type: "datetime", moment: of?.starts_at },
    { name: "ends_at", label: "Ends", type: "datetime", moment: of?.ends_at },
    { name: "budget", label: "Budget", value: of?.budget?.amount ?? "", placeholder: "1000.00" },
    { name: "interval", label: "Budget for", type: "select", options: intervals, value: of?.budget?.interval ?? "month", required: true, when: (values) => values.text("budget") !== undefined },
  ];
}

type Shared = Pick<Schemas["CreateCampaign"], "description" | "landing_url" | "fallback_url" | "starts_at" | "ends_at" | "budget" | "join">;

export function shared(values: Values, currency: string, of?: Campaign): Shared {
  const budget = values.text("budget");
  return {
    join: values.need("join") as Schemas["JoinMode"],
    description: values.text("description"),
    landing_url: values.text("landing_url"),
    fallback_url: values.text("fallback_url"),
    starts_at: values.moment("starts_at", of?.starts_at),
    ends_at: values.moment("ends_at", of?.ends_at),
    ...(budget && { budget: { amount: budget, currency, interval: values.need("interval") as Schemas["BudgetInterval"] } }),
  };
}

/** What was changed in the form: nothing is sent back that was only shown, or that somebody else has changed meanwhile. */
export function changes(of: Campaign, values: Values): Schemas["ChangeCampaign"] {
  const all = { name: values.need("name"), allowed_hosts: values.list("allowed_hosts"), ...shared(values, of.currency, of) };
  const differs = (name: string): boolean => values.differs(name) || (name === "budget" && values.differs("interval"));
  const names = ["description", "landing_url", "fallback_url", "starts_at", "ends_at", "budget"] as const;
  return {
    ...Object.fromEntries(Object.entries(all).filter(([name]) => differs(name))),
    clear: names.filter((name) => values.isCleared(name)),
  };
}
