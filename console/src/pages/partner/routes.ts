import type { Route } from "../../routes";
import Account from "../shared/Account.svelte";
import Activity from "../shared/Activity.svelte";
import Claim from "../shared/Claim.svelte";
import Claims from "../shared/Claims.svelte";
import Commission from "../shared/Commission.svelte";
import Commissions from "../shared/Commissions.svelte";
import Conversion from "../shared/Conversion.svelte";
import Conversions from "../shared/Conversions.svelte";
import Delivery from "../shared/Delivery.svelte";
import EvidenceList from "../shared/EvidenceList.svelte";
import Link from "../shared/Link.svelte";
import Links from "../shared/Links.svelte";
import Mail from "../shared/Mail.svelte";
import Order from "../shared/Order.svelte";
import Payout from "../shared/Payout.svelte";
import Reports from "../shared/Reports.svelte";
import Search from "../shared/Search.svelte";
import Statement from "../shared/Statement.svelte";
import Timeline from "../shared/Timeline.svelte";
import Transfer from "../shared/Transfer.svelte";
import Webhook from "../shared/Webhook.svelte";
import Webhooks from "../shared/Webhooks.svelte";
import Campaign from "./Campaign.svelte";
import Campaigns from "./Campaigns.svelte";
import Home from "./Home.svelte";
import Money from "./Money.svelte";
import Profile from "./Profile.svelte";

export const partner: readonly Route[] = [
  { path: "/partner", page: Home, menu: { section: "", label: "Overview", icon: "home" } },
  { path: "/partner/campaigns", page: Campaigns, menu: { section: "", label: "Campaigns", icon: "campaign" } },
  { path: "/partner/campaigns/:id", page: Campaign },
  { path: "/partner/links", page: Links, menu: { section: "", label: "Links", icon: "link" } },
  { path: "/partner/links/:code", page: Link },
  { path: "/partner/reports", page: Reports, menu: { section: "Earnings", label: "Reports", icon: "chart" } },
  { path: "/partner/search", page: Search },
  { path: "/partner/conversions", page: Conversions, menu: { section: "Earnings", label: "Conversions", icon: "cart" } },
  { path: "/partner/conversions/:id", page: Conversion },
  { path: "/partner/orders/:id", page: Order },
  { path: "/partner/claims", page: Claims, menu: { section: "Earnings", label: "Claims", icon: "flag" } },
  { path: "/partner/claims/:id", page: Claim },
  { path: "/partner/evidence", page: EvidenceList, menu: { section: "Earnings", label: "Evidence", icon: "camera" } },
  { path: "/partner/commissions", page: Commissions, menu: { section: "Earnings", label: "Commissions", icon: "coins" } },
  { path: "/partner/commissions/:id", page: Commission },
  { path: "/partner/money", page: Money, menu: { section: "Earnings", label: "Balance and payouts", icon: "wallet" } },
  { path: "/partner/payouts/:id", page: Payout },
  { path: "/partner/statements/:id", page: Statement },
  { path: "/partner/accounts/:id", page: Account },
  { path: "/partner/transfers/:id", page: Transfer },
  { path: "/partner/webhooks", page: Webhooks, menu: { section: "Account", label: "Webhooks", icon: "out" } },
  { path: "/partner/webhooks/:id", page: Webhook },
  { path: "/partner/webhook-deliveries/:id", page: Delivery },
  { path: "/partner/mail", page: Mail, menu: { section: "Account", label: "Mail", icon: "letter" } },
  { path: "/partner/activity", page: Activity, menu: { section: "Account", label: "Activity", icon: "list" } },
  { path: "/partner/timeline", page: Timeline, menu: { section: "Account", label: "Timeline", icon: "clock" } },
  { path: "/partner/timeline/:id", page: Timeline },
  { path: "/partner/profile", page: Profile, menu: { section: "Account", label: "Profile", icon: "user" } },
];
