/** The API's lists of words that forms offer; each is held to the document by its type. */
import type { OperatorSchemas, Schemas } from "./api";
import { options, type Option } from "../ui/form";
import { words } from "./format";

type S = Schemas;
const of = <T extends string>(values: readonly T[]): Option[] => options(values, words);

export const campaignStatus = of<S["CampaignStatus"]>(["draft", "active", "paused", "closed"]);
export const joinModes: Option[] = [
  { value: "open" satisfies S["JoinMode"], label: "Open: whoever accepts the terms is in" },
  { value: "approval" satisfies S["JoinMode"], label: "By approval: you decide on each application" },
  { value: "invite" satisfies S["JoinMode"], label: "By invitation only" },
];
export const enrollmentStatus = of<S["EnrollmentStatus"]>(["invited", "applied", "enrolled", "rejected", "left", "removed"]);
export const refusalReasons = of<S["RefusalReason"]>([
  "needs_more_detail", "does_not_meet_requirements", "not_the_right_fit", "terms_violated", "other",
]);
export const declineReasons = of<S["DeclineReason"]>([
  "order_unknown", "order_cancelled", "amount_differs", "not_eligible", "other",
]);
export const evidenceReasons = of<S["EvidenceReason"]>([
  "file_unreadable", "needs_more_detail", "does_not_meet_requirements", "duplicate", "terms_violated", "other",
]);
export const claimStatus = of<S["ClaimStatus"]>(["open", "settled", "accepted", "declined"]);
export const evidenceStatus = of<S["EvidenceStatus"]>(["submitted", "approved", "rejected", "returned"]);
export const conversionStatus = of<S["ConversionStatus"]>(["attributed", "unattributed", "noted"]);
export const commissionStatus = of<S["CommissionStatus"]>(["held", "approved", "reversed", "suspended"]);
export const payoutStatus = of<S["PayoutStatus"]>(["requested", "submitting", "submitted", "unknown", "paid", "failed"]);
export const commandStatus = of<S["CommandState"]>(["pending", "completed", "rejected", "dropped", "needs_attention"]);
export const linkStatus = of<S["LinkStatus"]>(["active", "disabled"]);
export const partnerStatus = of<S["PartnerStatus"]>(["active", "banned"]);
export const bankFailures = of<S["BankFailure"]>(["not_received", "returned", "refused", "account_closed", "other"]);
export const intervals = of<S["BudgetInterval"]>(["day", "month", "total"]);
export const scopes: Option[] = (
  [
    ["conversions.write", "Report conversions"],
    ["links.write", "Change links"],
    ["campaigns.write", "Change campaigns"],
    ["partners.write", "Decide on partners"],
    ["claims.write", "Decide on claims"],
    ["reports.read", "Read reports"],
  ] satisfies [S["ApiKeyScope"], string][]
).map(([value, label]) => ({ value, label: `${label} (${value})` }));
export const webhookFormats: Option[] = [
  { value: "webhook" satisfies S["WebhookFormat"], label: "Webhook: signed events, by POST" },
  { value: "postback" satisfies S["WebhookFormat"], label: "Postback: a GET to your tracker" },
];
export const deliveryStates = of<S["WebhookDeliveryState"]>(["pending", "delivered", "failed"]);
export const channels = of<S["Channel"]>(["mail", "text"]);
export const mailStates = of<S["MailState"]>(["pending", "sent", "failed"]);
export const mailLanguages: Option[] = [
  { value: "en" satisfies S["MailLanguage"], label: "English" },
  { value: "de" satisfies S["MailLanguage"], label: "German" },
];
export const mailGroups: Option[] = (
  [
    ["programme", "Applications and invitations"],
    ["earnings", "Claims and commissions"],
    ["money", "Payouts, funds and terms"],
    ["security", "What was switched off"],
  ] satisfies [S["MailGroup"], string][]
).map(([value, label]) => ({ value, label }));
export const workflowStatus = of<S["WorkflowStatus"]>(["running", "completed", "compensating", "compensated"]);
export const parkedStates = of<OperatorSchemas["RetryQueueState"]>(["dead", "retrying", "waiting", "queued", "unknown_type"]);
export const services: Option[] = of<OperatorSchemas["ServiceName"]>([
  "bff", "campaign", "tracking", "commission", "payment", "notify",
]);
