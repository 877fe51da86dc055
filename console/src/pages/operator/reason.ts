/** What every act of an operator's asks for. */
import type { Field } from "../../ui/form";

export const reason: Field = { name: "reason", label: "Your reason", required: true, hint: "In your own words, for the audit." };
