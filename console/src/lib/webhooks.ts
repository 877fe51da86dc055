/** What forms of webhooks ask for. */
import { webhookFormats } from "./choices";
import type { Schemas } from "./api";
import type { Field } from "../ui/form";

/** What may stand in the address of a postback; the API names all of them where it refuses one. */
const MACROS = "{event}, {delivery_id}, {timestamp}, {conversion_id}, {campaign_id}, {link}, {click_id}, {order_id}, {amount}, {commission}, {currency}";

/** For operators, who say whose it is. */
export const whose: readonly Field[] = [
  { name: "brand_id", label: "Brand", hint: "Whose it is; or a partner's." },
  { name: "partner_id", label: "Partner" },
];

/** For partners: what it is stays so. */
export const format: Field = {
  name: "format",
  label: "What is sent",
  type: "select",
  required: true,
  options: webhookFormats,
  hint: `The query of a postback's address may name ${MACROS}.`,
};

export const endpointFields = (of?: Schemas["WebhookEndpointView"]): Field[] => [
  {
    name: "url",
    label: "Where to",
    type: "url",
    required: true,
    value: of?.url ?? "",
    placeholder: "https://hooks.example.com/tributary",
    ...(of?.format === "postback" && { hint: `Its query may name ${MACROS}.` }),
  },
  {
    name: "kinds",
    label: "Types of events",
    type: "textarea",
    value: of?.kinds.join("\n") ?? "",
    placeholder: "conversion.attributed.v1",
    hint: "One a line; empty: all that the owner is sent.",
  },
  { name: "description", label: "Description", value: of?.description ?? "" },
];
