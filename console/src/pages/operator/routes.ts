import type { Route } from "../../routes";
import Campaigns from "../brand/Campaigns.svelte";
import Funds from "../brand/Funds.svelte";
import Partner from "../brand/Partner.svelte";
import Partners from "../brand/Partners.svelte";
import Account from "../shared/Account.svelte";
import Claim from "../shared/Claim.svelte";
import Claims from "../shared/Claims.svelte";
import Commission from "../shared/Commission.svelte";
import Commissions from "../shared/Commissions.svelte";
import Conversion from "../shared/Conversion.svelte";
import Conversions from "../shared/Conversions.svelte";
import Delivery from "../shared/Delivery.svelte";
import EvidenceList from "../shared/EvidenceList.svelte";
import Order from "../shared/Order.svelte";
import Payout from "../shared/Payout.svelte";
import Reports from "../shared/Reports.svelte";
import Search from "../shared/Search.svelte";
import Timeline from "../shared/Timeline.svelte";
import Transfer from "../shared/Transfer.svelte";
import Webhook from "../shared/Webhook.svelte";
import Webhooks from "../shared/Webhooks.svelte";
import Workflow from "../shared/Workflow.svelte";
import Audit from "./Audit.svelte";
import Commands from "./Commands.svelte";
import DeadLetter from "./DeadLetter.svelte";
import Events from "./Events.svelte";
import Home from "./Home.svelte";
import Ledger from "./Ledger.svelte";
import Mailbox from "./Mailbox.svelte";
import Mails from "./Mails.svelte";
import MailTemplate from "./MailTemplate.svelte";
import MailTemplates from "./MailTemplates.svelte";
import Payouts from "./Payouts.svelte";
import Replays from "./Replays.svelte";
import RetryQueue from "./RetryQueue.svelte";
import Rules from "./Rules.svelte";
import Storage from "./Storage.svelte";
import Streams from "./Streams.svelte";
import Workflows from "./Workflows.svelte";

export const operator: readonly Route[] = [
  { path: "/operator", page: Home, menu: { section: "", label: "Overview", icon: "home" } },
  { path: "/operator/events", page: Events, menu: { section: "", label: "Event log", icon: "pulse" } },
  { path: "/operator/timeline", page: Timeline, menu: { section: "", label: "Timeline", icon: "clock" } },
  { path: "/operator/timeline/:id", page: Timeline },
  { path: "/operator/parked", page: RetryQueue, menu: { section: "Messages", label: "Dead letters", icon: "letter" } },
  { path: "/operator/parked/:service/:id", page: DeadLetter },
  { path: "/operator/commands", page: Commands, menu: { section: "Messages", label: "Commands", icon: "list" } },
  { path: "/operator/replays", page: Replays, menu: { section: "Messages", label: "Projections", icon: "replay" } },
  { path: "/operator/streams", page: Streams, menu: { section: "Messages", label: "Topics and streams", icon: "pulse" } },
  { path: "/operator/storage", page: Storage, menu: { section: "Messages", label: "Archive and epochs", icon: "archive" } },
  { path: "/operator/rules", page: Rules, menu: { section: "Messages", label: "The ten rules", icon: "shield" } },
  { path: "/operator/audit", page: Audit, menu: { section: "Messages", label: "Audit", icon: "shield" } },
  { path: "/operator/payouts", page: Payouts, menu: { section: "Money", label: "Payouts", icon: "wallet" } },
  { path: "/operator/payouts/:id", page: Payout },
  { path: "/operator/ledger", page: Ledger, menu: { section: "Money", label: "Ledger proof", icon: "shield" } },
  { path: "/operator/funds", page: Funds, menu: { section: "Money", label: "Funds", icon: "coins" } },
  { path: "/operator/accounts/:id", page: Account },
  { path: "/operator/transfers/:id", page: Transfer },
  { path: "/operator/webhooks", page: Webhooks, menu: { section: "Notifications", label: "Webhooks", icon: "out" } },
  { path: "/operator/webhooks/:id", page: Webhook },
  { path: "/operator/webhook-deliveries/:id", page: Delivery },
  { path: "/operator/mails", page: Mails, menu: { section: "Notifications", label: "Mails", icon: "letter" } },
  { path: "/operator/mailbox", page: Mailbox, menu: { section: "Notifications", label: "Mailbox", icon: "archive" } },
  { path: "/operator/mail-templates", page: MailTemplates, menu: { section: "Notifications", label: "Mail templates", icon: "layers" } },
  { path: "/operator/mail-templates/:kind", page: MailTemplate },
  { path: "/operator/reports", page: Reports, menu: { section: "Programmes", label: "Reports", icon: "chart" } },
  { path: "/operator/search", page: Search },
  { path: "/operator/campaigns", page: Campaigns, menu: { section: "Programmes", label: "Campaigns", icon: "campaign" } },
  { path: "/operator/partners", page: Partners, menu: { section: "Programmes", label: "Partners", icon: "people" } },
  { path: "/operator/partners/:id", page: Partner },
  { path: "/operator/workflows", page: Workflows, menu: { section: "Programmes", label: "Onboarding", icon: "list" } },
  { path: "/operator/workflows/:id", page: Workflow },
  { path: "/operator/conversions", page: Conversions, menu: { section: "Programmes", label: "Conversions", icon: "cart" } },
  { path: "/operator/conversions/:id", page: Conversion },
  { path: "/operator/orders/:id", page: Order },
  { path: "/operator/commissions", page: Commissions, menu: { section: "Programmes", label: "Commissions", icon: "flag" } },
  { path: "/operator/commissions/:id", page: Commission },
  { path: "/operator/claims", page: Claims, menu: { section: "Programmes", label: "Claims", icon: "search" } },
  { path: "/operator/claims/:id", page: Claim },
  { path: "/operator/evidence", page: EvidenceList, menu: { section: "Programmes", label: "Evidence", icon: "camera" } },
];
