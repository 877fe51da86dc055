//! The closed lists that several services mean.

crate::names! {
    /// What a conversion is, and a commission is for.
    pub enum ConversionType {
        /// Something was bought.
        Purchase = "purchase",
        /// Somebody signed up, asked, or the like.
        Lead = "lead",
    }

    /// Whose a conversion is.
    pub enum ConversionStatus {
        /// A partner's.
        Attributed = "attributed",
        /// Nobody's.
        Unattributed = "unattributed",
        /// Only refunds are known of it.
        Noted = "noted",
    }

    /// Why a conversion is nobody's.
    pub enum UnattributedReason {
        /// This visitor clicked no link (of the campaign) before.
        NoClick = "no_click",
        /// The click that the reporter names is not known.
        ClickUnknown = "click_unknown",
        /// The campaign that the reporter names is not known.
        CampaignUnknown = "campaign_unknown",
        /// The click that the reporter names is of another campaign than the one that it names.
        OtherCampaign = "click_of_other_campaign",
        /// It happened before the click.
        BeforeClick = "before_click",
        /// The last click is longer ago than the campaign's window.
        OutsideWindow = "outside_window",
    }

    /// On whose word a conversion stands.
    pub enum VerifiedBy {
        /// Who speaks for the brand: a token, or a key of its own system.
        Brand = "brand",
        /// An operator, or the system itself.
        Operator = "operator",
        /// A partner's claim that its brand accepted.
        Claim = "claim",
    }

    /// Whether partners may join a campaign, and where its links lead.
    pub enum CampaignStatus {
        /// It is being made: its brand alone sees it.
        Draft = "draft",
        /// Partners may join, and links lead to their targets.
        Active = "active",
        /// Nobody joins, and links lead to the fallback page, until it goes on.
        Paused = "paused",
        /// As paused, for good.
        Closed = "closed",
    }

    /// Why a campaign is paused.
    pub enum PauseReason {
        /// Its brand, or an operator, wants it so.
        Brand = "brand",
        /// Its end has come.
        Ended = "ended",
        /// Its brand's funds do not cover what its partners earn.
        OutOfFunds = "out_of_funds",
    }

    /// In what time a budget may be spent.
    pub enum BudgetInterval {
        /// Each day.
        Day = "day",
        /// Each month.
        Month = "month",
        /// All in all.
        Total = "total",
    }

    /// What a campaign can do without, and a change may take from it.
    pub enum Clearable {
        /// What it is about.
        Description = "description",
        /// A fallback page of its own.
        FallbackUrl = "fallback_url",
        /// The page that partners send visitors to.
        LandingUrl = "landing_url",
        /// When it starts.
        StartsAt = "starts_at",
        /// When it ends.
        EndsAt = "ends_at",
        /// What it is meant to cost.
        Budget = "budget",
    }

    /// What may be unknown of a partner.
    pub enum PartnerField {
        /// What people call it.
        Name = "name",
        /// Where it is at home.
        Country = "country",
        /// What it wants to be paid in.
        Currency = "currency",
        /// Where it is found.
        Website = "website",
    }

    /// Whether partners are in a group.
    pub enum GroupStatus {
        /// They are, who were moved there.
        Active = "active",
        /// They are in the default group instead.
        Archived = "archived",
    }

    /// What a group can do without.
    pub enum GroupField {
        /// How many links a partner in it may have.
        LinkLimit = "link_limit",
    }

    /// What may be unknown of a brand.
    pub enum BrandField {
        /// What people call it.
        Name = "name",
        /// What it keeps its money in.
        Currency = "currency",
    }

    /// How partners come into a campaign.
    pub enum JoinMode {
        /// Whoever accepts the terms is in.
        Open = "open",
        /// Who accepts the terms has applied: the brand approves or rejects.
        Approval = "approval",
        /// Whom the brand has invited is in when it accepts the terms.
        Invite = "invite",
    }

    /// Where a partner stands with a campaign.
    pub enum EnrollmentStatus {
        /// The brand wants it, and it has not accepted the terms yet.
        Invited = "invited",
        /// It has accepted the terms, and the brand has to decide.
        Applied = "applied",
        /// It is in.
        Enrolled = "enrolled",
        /// The brand does not want it.
        Rejected = "rejected",
        /// It went by itself, and may come again.
        Left = "left",
        /// The brand removed it: it may not come again.
        Removed = "removed",
    }

    /// What a brand, or an operator, holds of a partner as a whole.
    pub enum PartnerStatus {
        /// It may join campaigns, and its links lead to their targets.
        Active = "active",
        /// It may not, and they do not.
        Banned = "banned",
    }

    /// Whether a link leads to its target.
    pub enum LinkStatus {
        /// It does, while its campaign and its partner may.
        Active = "active",
        /// It leads to the campaign's fallback page.
        Disabled = "disabled",
    }

    /// Who disabled a link: whoever stands before may not enable it again.
    pub enum DisabledBy {
        /// Its partner.
        Partner = "partner",
        /// The brand of its campaign.
        Brand = "brand",
        /// An operator.
        Operator = "operator",
    }

    /// What an API key of a brand may do. Each route says which of them it needs.
    pub enum ApiKeyScope {
        /// Make, change, start, pause and close campaigns, and publish their terms.
        CampaignsWrite = "campaigns.write",
        /// Accept and decline what partners claim.
        ClaimsWrite = "claims.write",
        /// Report leads, purchases and refunds.
        ConversionsWrite = "conversions.write",
        /// Disable and enable links of the brand's campaigns.
        LinksWrite = "links.write",
        /// Invite, approve, reject, remove and ban partners.
        PartnersWrite = "partners.write",
        /// Read whatever the brand may read.
        ReportsRead = "reports.read",
    }

    /// Whether an API key opens anything.
    pub enum ApiKeyStatus {
        /// It does.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked, for good.
        Revoked = "revoked",
    }

    /// Why a brand does not want a partner in a campaign, or in any.
    pub enum RefusalReason {
        /// It may apply again, with more to show.
        NeedsMoreDetail = "needs_more_detail",
        /// The partner is not what the campaign needs.
        DoesNotMeetRequirements = "does_not_meet_requirements",
        /// Another partner would do better.
        NotTheRightFit = "not_the_right_fit",
        /// It did what the terms do not allow.
        TermsViolated = "terms_violated",
        /// Anything else.
        Other = "other",
    }

    /// What became of a piece of evidence.
    pub enum EvidenceStatus {
        /// The brand has to decide.
        Submitted = "submitted",
        /// It shows what it should.
        Approved = "approved",
        /// It does not, for good.
        Rejected = "rejected",
        /// The partner may show more.
        Returned = "returned",
    }

    /// Why a brand rejects or returns evidence.
    pub enum EvidenceReason {
        /// The file cannot be opened, or nothing can be seen in it.
        FileUnreadable = "file_unreadable",
        /// Something that it should show is missing.
        NeedsMoreDetail = "needs_more_detail",
        /// It shows something else than the campaign needs.
        DoesNotMeetRequirements = "does_not_meet_requirements",
        /// The same was shown before.
        Duplicate = "duplicate",
        /// It shows what the terms do not allow.
        TermsViolated = "terms_violated",
        /// Anything else.
        Other = "other",
    }

    /// Why a brand declines what a partner claims.
    pub enum DeclineReason {
        /// The brand has no such order.
        OrderUnknown = "order_unknown",
        /// The order was cancelled, or everything came back.
        OrderCancelled = "order_cancelled",
        /// The order is not of this amount.
        AmountDiffers = "amount_differs",
        /// The terms do not pay for it.
        NotEligible = "not_eligible",
        /// Anything else.
        Other = "other",
    }

    /// Where a commission's money stands.
    pub enum EarningStatus {
        /// On hold.
        Pending = "pending",
        /// Earned for good.
        Payable = "payable",
    }

    /// Where a commission stands, for lists.
    pub enum CommissionStatus {
        /// Pending until its hold ends.
        Held = "held",
        /// Earned for good.
        Approved = "approved",
        /// All of it was taken back.
        Reversed = "reversed",
        /// Nothing is earned, and no command changes that.
        Suspended = "suspended",
    }

    /// How far a payout is. `Paid` and `Failed` are final.
    pub enum PayoutStatus {
        /// The money is reserved.
        Requested = "requested",
        /// The provider is about to be called, or has been: the intent is committed first.
        Submitting = "submitting",
        /// The provider has taken it.
        Submitted = "submitted",
        /// Nobody knows whether the provider has it: only look-ups from here.
        Unknown = "unknown",
        /// The money has arrived.
        Paid = "paid",
        /// The money came back.
        Failed = "failed",
    }

    /// How a payout reaches its partner.
    pub enum PayoutMethod {
        /// To an e-mail address.
        Paypal = "paypal",
        /// To an IBAN.
        BankTransfer = "bank_transfer",
    }

    /// What became of what a partner claims.
    pub enum ClaimStatus {
        /// The brand has to decide.
        Open = "open",
        /// The order is known from who may say so.
        Settled = "settled",
        /// The brand took it for true.
        Accepted = "accepted",
        /// The brand declined it.
        Declined = "declined",
    }

    /// What a partner's money is doing. The name is that in an account's text.
    pub enum AccountType {
        /// Earned, and may still be taken back while it is on hold.
        Pending = "pending",
        /// Earned for good: what a payout can be asked of. Below zero when a reversal came after the payout.
        Payable = "payable",
        /// Reserved for a payout that is under way.
        InTransit = "in_transit",
        /// Has left.
        PaidOut = "paid_out",
        /// Could not be put where it belongs: an operator must look.
        Suspense = "suspense",
        /// Earned for good, and waits until its brand's funds cover it.
        Unfunded = "unfunded",
    }

    /// When a brand pays for what its partners earn.
    pub enum Billing {
        /// Before: what its funds do not cover waits.
        Prepaid = "prepaid",
        /// After: up to its credit limit, where it has one.
        Postpaid = "postpaid",
    }

    /// How far a deposit is.
    pub enum DepositStatus {
        /// The brand says that it is on its way.
        Announced = "announced",
        /// It is there.
        Cleared = "cleared",
        /// It did not come, or went back.
        Failed = "failed",
    }

    /// How far a withdrawal is.
    pub enum WithdrawalStatus {
        /// The money has left the brand's account and is on its way.
        Requested = "requested",
        /// It has arrived.
        Settled = "settled",
        /// It came back.
        Failed = "failed",
    }

    /// Why a bank did not carry out a deposit or a withdrawal.
    pub enum BankFailure {
        /// Nothing arrived.
        NotReceived = "not_received",
        /// The other bank sent it back.
        Returned = "returned",
        /// A bank refused it.
        Refused = "refused",
        /// There is no such account any more.
        AccountClosed = "account_closed",
        /// Anything else.
        Other = "other",
    }

    /// Whether a webhook endpoint is sent events.
    pub enum WebhookEndpointStatus {
        /// It is.
        Enabled = "enabled",
        /// It is not, until somebody enables it.
        Disabled = "disabled",
        /// It is not, for good.
        Removed = "removed",
    }

    /// What a webhook endpoint is sent.
    pub enum WebhookFormat {
        /// A signed event, by POST.
        Webhook = "webhook",
        /// A GET to an address that names what happened.
        Postback = "postback",
    }

    /// Why a webhook endpoint is disabled.
    pub enum WebhookDisabledReason {
        /// Its owner, or an operator, wants it so.
        Owner = "owner",
        /// It answered 410: it wants nothing any more.
        Gone = "gone",
        /// A message was not taken, as often as it was tried over days.
        Failing = "failing",
        /// More waited for it than is kept.
        QueueFull = "queue_full",
    }

    /// What became of an event that is sent to a webhook endpoint.
    pub enum WebhookDeliveryState {
        /// It is to be sent, or sent again.
        Pending = "pending",
        /// It was taken.
        Delivered = "delivered",
        /// It was not taken, and is not tried again by itself.
        Failed = "failed",
    }

    /// What mails are about: an address is sent those of the groups that it wants.
    pub enum MailGroup {
        /// Applications, invitations, and what becomes of them.
        Programme = "programme",
        /// Claims and commissions.
        Earnings = "earnings",
        /// Payouts and funds.
        Money = "money",
        /// That something of the owner's was switched off.
        Security = "security",
    }

    /// A language that mails are written in, by ISO 639.
    pub enum MailLanguage {
        /// English.
        English = "en",
        /// German.
        German = "de",
    }

    /// By which way somebody is told.
    pub enum Channel {
        /// By mail, at an address.
        Mail = "mail",
        /// By text message, at a number.
        Text = "text",
    }

    /// What became of a mail.
    pub enum MailState {
        /// It is to be sent, or sent again.
        Pending = "pending",
        /// A server took it.
        Sent = "sent",
        /// It was not sent, and is not tried again.
        Failed = "failed",
    }

    /// Why a mail was not sent.
    pub enum MailFailure {
        /// A server refuses it for good.
        Refused = "refused",
        /// No server took it, as often as it was tried over days.
        Unreachable = "unreachable",
        /// The address was taken away meanwhile, is not sent such mails any more, or its owner was erased.
        NoAddress = "no_address",
    }

    /// What is done with an application, in this order.
    pub enum WorkflowStep {
        /// Whether the partner may come in: it is onboarded once at a time, and of a country that the brand wants.
        Checks = "checks",
        /// It comes into the brand's group.
        Group = "group",
        /// It has a manager.
        Manager = "manager",
        /// It is a contact of the CRM.
        CrmContact = "crm_contact",
        /// The brand lets it in.
        Approval = "approval",
        /// It has a link for the campaign.
        Link = "link",
    }

    /// How far a step of a workflow is.
    pub enum WorkflowStepState {
        /// It is not its turn.
        Pending = "pending",
        /// It is under way, or waits for somebody.
        Running = "running",
        /// It is done.
        Completed = "completed",
        /// There was nothing to do, or it was left out.
        Skipped = "skipped",
        /// It came to nothing.
        Failed = "failed",
        /// What it did is being taken back.
        Compensating = "compensating",
        /// What it did is taken back.
        Compensated = "compensated",
    }

    /// How far a workflow is.
    pub enum WorkflowStatus {
        /// Its steps are under way.
        Running = "running",
        /// All are done.
        Completed = "completed",
        /// What was done is being taken back.
        Compensating = "compensating",
        /// It is taken back.
        Compensated = "compensated",
    }

    /// Why a step of a workflow was left out or came to nothing, or what was done is taken back.
    pub enum WorkflowReason {
        /// The brand wants nothing of the kind.
        NotWanted = "not_wanted",
        /// Nothing is set that it could be done with.
        NotConfigured = "not_configured",
        /// Somebody left it out.
        LeftOut = "left_out",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Another application of the partner at the brand is under way.
        Duplicate = "duplicate",
        /// It is not known of which country the partner is.
        CountryUnknown = "country_unknown",
        /// The partner is of a country that the brand does not want.
        CountryNotAllowed = "country_not_allowed",
        /// There is no such group.
        GroupUnknown = "group_unknown",
        /// Nobody comes into the group.
        GroupArchived = "group_archived",
        /// The partner is banned.
        PartnerBanned = "partner_banned",
        /// The campaign has ended for good.
        CampaignClosed = "campaign_closed",
        /// The application is none any more: the brand rejected it, or the partner left.
        ApplicationEnded = "application_ended",
        /// The CRM refuses it.
        CrmRefused = "crm_refused",
        /// The CRM took nothing for days.
        CrmUnreachable = "crm_unreachable",
        /// The partner was erased.
        PartnerErased = "partner_erased",
        /// Another service refuses it, for a reason that stands in its log.
        Refused = "refused",
    }
}

impl Billing {
    /// When a brand pays in a currency of which no operator has said it: before, where it has a limit in another. Else it would have none by
    /// a campaign in that currency.
    pub const fn where_not_stated(is_limited: bool) -> Self {
        if is_limited {
            Self::Prepaid
        } else {
            Self::Postpaid
        }
    }
}

impl ClaimStatus {
    /// Whether it stays so, however often the order is reported or claimed. What was declined may still be settled.
    pub const fn stays(self) -> bool {
        matches!(self, Self::Settled | Self::Accepted)
    }
}
