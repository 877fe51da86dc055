/** What forms of webhooks ask for. */
import type { Schemas } from "./api";
import type { Field } from "../ui/form";

/** For operators, who say whose it is. */
export const whose: readonly Field[] = [
  { name: "brand_id", label: "Brand", hint: "Whose it is; or a partner's." },
  { name: "partner_id", label: "Partner" },
];

export const endpointFields = (of?: Schemas["WebhookEndpointView"]): Field[] => [
  { name: "url", label: "Where to", type: "url", required: true, value: of?.url ?? "", placeholder: "https://hooks.example.com/tributary" },
  {
    name: "kinds",
    label: "Types of events",
    type: "textarea",
    value: of?.kinds.join("\n") ?? "",
    placeholder: "conversion.attributed.v1",
    hint: "One a line; empty: all that the owner may see.",
  },
  { name: "description", label: "Description", value: of?.description ?? "" },
];
