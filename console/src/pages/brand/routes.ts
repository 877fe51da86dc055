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
import Reports from "../shared/Reports.svelte";
import Search from "../shared/Search.svelte";
import Timeline from "../shared/Timeline.svelte";
import Transfer from "../shared/Transfer.svelte";
import Webhook from "../shared/Webhook.svelte";
import Webhooks from "../shared/Webhooks.svelte";
import Workflow from "../shared/Workflow.svelte";
import Applications from "./Applications.svelte";
import Campaign from "./Campaign.svelte";
import Campaigns from "./Campaigns.svelte";
import Funds from "./Funds.svelte";
import Groups from "./Groups.svelte";
import Home from "./Home.svelte";
import Keys from "./Keys.svelte";
import MailText from "./MailText.svelte";
import Onboarding from "./Onboarding.svelte";
import Partner from "./Partner.svelte";
import Partners from "./Partners.svelte";
import Settings from "./Settings.svelte";

export const brand: readonly Route[] = [
  { path: "/brand", page: Home, menu: { section: "", label: "Overview", icon: "home" } },
  { path: "/brand/campaigns", page: Campaigns, menu: { section: "", label: "Campaigns", icon: "campaign" } },
  { path: "/brand/campaigns/:id", page: Campaign },
  { path: "/brand/applications", page: Applications, menu: { section: "Partners", label: "Applications", icon: "letter" } },
  { path: "/brand/onboarding", page: Onboarding, menu: { section: "Partners", label: "Onboarding", icon: "flag" } },
  { path: "/brand/workflows/:id", page: Workflow },
  { path: "/brand/partners", page: Partners, menu: { section: "Partners", label: "Partners", icon: "people" } },
  { path: "/brand/partners/:id", page: Partner },
  { path: "/brand/groups", page: Groups, menu: { section: "Partners", label: "Groups", icon: "layers" } },
  { path: "/brand/links", page: Links, menu: { section: "Partners", label: "Links", icon: "link" } },
  { path: "/brand/links/:code", page: Link },
  { path: "/brand/reports", page: Reports, menu: { section: "Results", label: "Reports", icon: "chart" } },
  { path: "/brand/search", page: Search },
  { path: "/brand/conversions", page: Conversions, menu: { section: "Results", label: "Conversions", icon: "cart" } },
  { path: "/brand/conversions/:id", page: Conversion },
  { path: "/brand/orders/:id", page: Order },
  { path: "/brand/claims", page: Claims, menu: { section: "Results", label: "Claims", icon: "flag" } },
  { path: "/brand/claims/:id", page: Claim },
  { path: "/brand/evidence", page: EvidenceList, menu: { section: "Results", label: "Evidence", icon: "camera" } },
  { path: "/brand/commissions", page: Commissions, menu: { section: "Results", label: "Commissions", icon: "coins" } },
  { path: "/brand/commissions/:id", page: Commission },
  { path: "/brand/funds", page: Funds, menu: { section: "Account", label: "Funds", icon: "wallet" } },
  { path: "/brand/accounts/:id", page: Account },
  { path: "/brand/transfers/:id", page: Transfer },
  { path: "/brand/keys", page: Keys, menu: { section: "Account", label: "API keys", icon: "key" } },
  { path: "/brand/webhooks", page: Webhooks, menu: { section: "Account", label: "Webhooks", icon: "out" } },
  { path: "/brand/webhooks/:id", page: Webhook },
  { path: "/brand/webhook-deliveries/:id", page: Delivery },
  { path: "/brand/mail", page: Mail, menu: { section: "Account", label: "Mail", icon: "letter" } },
  { path: "/brand/mail/:kind", page: MailText },
  { path: "/brand/activity", page: Activity, menu: { section: "Account", label: "Activity", icon: "list" } },
  { path: "/brand/timeline", page: Timeline, menu: { section: "Account", label: "Timeline", icon: "clock" } },
  { path: "/brand/timeline/:id", page: Timeline },
  { path: "/brand/settings", page: Settings, menu: { section: "Account", label: "Settings", icon: "gear" } },
];
