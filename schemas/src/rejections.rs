//! Why services refuse: each code once, with the HTTP status and the meaning that problems, outcomes and documents give it.

use std::borrow::Cow;

use crate::service::Service;

/// A code of a service's closed list of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectionCode {
    /// As it stands in `command.rejected.v1`.
    pub name: &'static str,
    /// The HTTP status of a request that is refused so: at the service itself, and at the bff where the client waits.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
}

/// Why a command is refused. It becomes `command.rejected.v1`, and a problem at an HTTP edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// One of the service's closed list, or of those of all.
    pub code: RejectionCode,
    /// For the person who asked.
    pub detail: Cow<'static, str>,
    /// JSON pointer to the offending field of the body, where there is one.
    pub pointer: Option<Cow<'static, str>>,
}

impl Rejection {
    /// A refusal that points at no field.
    pub fn new(code: impl Into<RejectionCode>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: code.into(),
            detail: detail.into(),
            pointer: None,
        }
    }

    /// A refusal of one field.
    pub fn of(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<RejectionCode>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: Some(pointer.into()),
            ..Self::new(code, detail)
        }
    }
}

/// Every code that a service's `command.rejected.v1` can have.
pub fn rejection_codes(service: Service) -> impl Iterator<Item = RejectionCode> {
    decision_codes(service).chain(DoorCode::ALL.iter().copied())
}

/// Those that a request can be refused with: all but the door's, which refuses what comes by the broker.
pub fn decision_codes(service: Service) -> impl Iterator<Item = RejectionCode> {
    let own = match service {
        Service::Campaign => CampaignCode::ALL,
        Service::Tracking => TrackingCode::ALL,
        Service::Commission => CommissionCode::ALL,
        Service::Payment => PaymentCode::ALL,
        Service::Notify => NotifyCode::ALL,
        Service::Bff => &[],
    };
    own.iter().chain(EngineCode::ALL).copied()
}

/// The code of that name, if the service refuses with it.
pub fn rejection_code(service: Service, name: &str) -> Option<RejectionCode> {
    rejection_codes(service).find(|code| code.name == name)
}

macro_rules! rejections {
    ($($(#[$doc:meta])* $list:ident {
        $($code:ident = $name:literal, $status:literal, $meaning:literal;)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::doc_markdown, reason = "the meaning stands in documents as it is")]
        pub enum $list {
            $(
                #[doc = $meaning]
                $code,
            )+
        }

        impl $list {
            /// All of them.
            pub const ALL: &'static [RejectionCode] = &[$(Self::$code.code()),+];

            /// With its name, status and meaning.
            pub const fn code(self) -> RejectionCode {
                match self {
                    $(Self::$code => RejectionCode { name: $name, status: $status, meaning: $meaning },)+
                }
            }
        }

        impl From<$list> for RejectionCode {
            fn from(code: $list) -> Self {
                code.code()
            }
        }

        impl PartialEq<$list> for RejectionCode {
            fn eq(&self, code: &$list) -> bool {
                *self == code.code()
            }
        }
    )+};
}

rejections! {
    /// Why any service refuses, beside its own reasons.
    EngineCode {
        TimedOutWaiting = "timed_out_waiting", 409, "What the command needs did not become known in time.";
        DroppedByOperator = "dropped_by_operator", 409, "It was in the retry queue, and an operator dropped it.";
    }
    /// Why what came by the broker is refused before it is looked at.
    DoorCode {
        ProducerUnknown = "producer_unknown", 401, "No key of a producer signed it. Not said of the command's id, which nobody knows to be the sender's.";
        MalformedMessage = "malformed_message", 400, "Its bytes are no message. Not said of the command's id, which stands in the properties alone.";
        NotPermitted = "not_permitted", 403, "The producer's key does not stand for that: another actor, or a kind that is not taken from outside.";
    }
    /// Why campaign refuses.
    CampaignCode {
        CampaignExists = "campaign_exists", 409, "The id is taken, by whomever.";
        CampaignUnknown = "campaign_unknown", 404, "There is no such campaign for the one who asks.";
        BrandUnknown = "brand_unknown", 404, "There is no such brand for the one who asks.";
        PartnerUnknown = "partner_unknown", 404, "There is no such partner for the one who asks.";
        CampaignNotActive = "campaign_not_active", 409, "The campaign is a draft, paused or closed.";
        AlreadyActive = "already_active", 409, "It was activated before.";
        NotPaused = "not_paused", 409, "It is active.";
        AlreadyPaused = "already_paused", 409, "It is paused.";
        CampaignClosed = "campaign_closed", 409, "It has ended for good.";
        CampaignEnded = "campaign_ended", 409, "Its end has come: its brand moves that first.";
        EndNotReached = "end_not_reached", 409, "Its end has not come, or it is not active.";
        InvalidDates = "invalid_dates", 422, "A campaign ends after its start and after now; terms are in force within a year, and not before now.";
        OutOfFunds = "out_of_funds", 409, "The brand's funds do not cover what its partners earn: paused for that the campaign goes on when they do, else it is resumed then.";
        FundsUnchanged = "funds_unchanged", 409, "The campaign stands as its brand's funds have it.";
        HostNotAllowed = "host_not_allowed", 422, "A page of the campaign is on none of its hosts.";
        TermsNotPublished = "terms_not_published", 409, "There are no terms that a partner could accept.";
        TermsVersionStale = "terms_version_stale", 409, "Another version of the terms is in force.";
        AlreadyAccepted = "already_accepted", 409, "The partner is enrolled.";
        NotEnrolled = "not_enrolled", 409, "The partner is not in the campaign.";
        AlreadyApplied = "already_applied", 409, "The brand has to decide.";
        AlreadyInvited = "already_invited", 409, "The partner may come in when it accepts the terms.";
        NotApplied = "not_applied", 409, "The partner has not applied, or the brand has decided.";
        InvitationRequired = "invitation_required", 403, "Only whom the brand has invited comes in.";
        ApplicationRejected = "application_rejected", 403, "The brand has rejected the partner, and did not ask for more detail.";
        PartnerRemoved = "partner_removed", 403, "The brand has removed the partner from the campaign.";
        PartnerBanned = "partner_banned", 403, "The brand, or an operator, has banned the partner.";
        AlreadyBanned = "already_banned", 409, "The partner is banned.";
        NotBanned = "not_banned", 409, "There is no such ban to end.";
        AlreadySubmitted = "already_submitted", 409, "The same file was submitted for the same purpose, and not returned.";
        EvidenceUnknown = "evidence_unknown", 404, "There is no such evidence for the one who asks.";
        EvidenceDecided = "evidence_decided", 409, "The brand has approved, rejected or returned it.";
        NotReturned = "not_returned", 409, "Only evidence that was returned is shown again.";
        ErasureNotPermitted = "erasure_not_permitted", 403, "What is kept of somebody is for operators to erase.";
        GroupUnknown = "group_unknown", 404, "There is no such group for the one who asks.";
        GroupExists = "group_exists", 409, "The id is taken.";
        GroupArchived = "group_archived", 409, "Nobody comes into an archived group.";
        DefaultGroup = "default_group", 409, "The default group is not archived: who is in no other is in it.";
        TooManyGroups = "too_many_groups", 409, "The brand has as many groups as there may be, with those that are archived.";
        AlreadyInGroup = "already_in_group", 409, "The partner is in this group.";
        CurrencyMismatch = "currency_mismatch", 422, "A plan pays in its campaign's currency.";
        TooManyVersions = "too_many_versions", 409, "The campaign has as many versions of its terms as there may be, or as many that are not in force yet.";
        ApiKeyUnknown = "api_key_unknown", 404, "There is no such API key for the one who asks.";
        ApiKeyRevoked = "api_key_revoked", 409, "The API key was revoked, for good.";
        ApiKeyExpired = "api_key_expired", 409, "The API key's time is over: make another.";
        TooManyApiKeys = "too_many_api_keys", 409, "The brand has as many API keys as there may be: revoke one.";
        InvalidExpiry = "invalid_expiry", 422, "An API key cannot expire before now.";
        NotForProducers = "not_for_producers", 403, "API keys are made, rotated and revoked by people, at the bff or at campaign, and not by a producer.";
        Unreadable = "unreadable", 422, "The command says something that no build of ours would.";
    }
    /// Why tracking refuses.
    TrackingCode {
        InvalidField = "invalid_field", 422, "A field that no edge of ours would have let through.";
        LinkExists = "link_exists", 409, "The code is taken.";
        CampaignUnknown = "campaign_unknown", 404, "There is no such campaign for the one who asks.";
        NotEnrolled = "not_enrolled", 404, "The one who asks is not that partner, or the partner is not in the campaign.";
        CampaignClosed = "campaign_closed", 409, "The campaign has ended for good.";
        PartnerBanned = "partner_banned", 403, "The campaign's brand, or an operator, has banned the partner.";
        HostNotAllowed = "host_not_allowed", 422, "The link would lead off the campaign's hosts.";
        AmountRequired = "amount_required", 422, "A purchase without an amount.";
        AmountPrecision = "amount_precision", 422, "The amount has more decimals than its currency.";
        CurrencyMismatch = "currency_mismatch", 422, "Not the campaign's or the purchase's currency.";
        OrderRequired = "order_required", 422, "A refund that says neither of which order nor of which conversion.";
        RefundExceedsPurchase = "refund_exceeds_purchase", 422, "More would go back than was paid.";
        NothingToRefund = "nothing_to_refund", 422, "The conversion has no amount: only the whole of it is taken back.";
        TooManyRefunds = "too_many_refunds", 409, "As many refunds wait for the order as there may be: report its purchase first.";
        ConversionUnknown = "conversion_unknown", 404, "There is no such conversion for the one who asks.";
        ClickUnknown = "click_unknown", 404, "There is no such click for the one who asks, or no click of its own led to what a partner reports.";
        TimeInFuture = "time_in_future", 422, "Claimed to happen more than five minutes from now.";
        RefundNotTrusted = "refund_not_trusted", 403, "A refund is for the brand, an operator or an external producer to report.";
        ClaimUnknown = "claim_unknown", 404, "There is no such claim for the one who asks.";
        ClaimDecided = "claim_decided", 409, "The claim was accepted, declined or settled before.";
        LinkUnknown = "link_unknown", 404, "There is no such link for the one who asks.";
        LinkUnchanged = "link_unchanged", 409, "The link is so already.";
        LinkDisabled = "link_disabled", 403, "The brand, or an operator, has disabled the link: it is for them to enable.";
        LinkLimitReached = "link_limit_reached", 409, "The partner has as many links in the brand's campaigns as its group may have.";
        TargetNotPermitted = "target_not_permitted", 403, "Where a link leads is for its partner, or an operator, to change.";
        ErasureNotPermitted = "erasure_not_permitted", 403, "What is kept of somebody is for operators to erase.";
        ClickBound = "click_bound", 409, "The click is another visitor's.";
        VisitorKeyUnknown = "visitor_key_unknown", 409, "The bff and tracking have different lasting secrets: an operator must look.";
    }
    /// Why commission refuses.
    CommissionCode {
        CommissionUnknown = "commission_unknown", 404, "There is no such commission.";
        NotHeld = "not_held", 409, "Nothing is on hold any more.";
        HoldNotOver = "hold_not_over", 409, "The hold lasts longer than the command says.";
    }
    /// Why payment refuses.
    PaymentCode {
        InsufficientBalance = "insufficient_balance", 422, "More was asked for than is payable.";
        CurrencyMismatch = "currency_mismatch", 422, "The partner has money, but none of this currency.";
        AmountNotPositive = "amount_not_positive", 422, "Nothing, or less, was asked for.";
        AmountOutOfRange = "amount_out_of_range", 422, "A balance would be out of range.";
        CurrencyUnknown = "currency_unknown", 422, "The currency is not a known ISO 4217 code.";
        MethodUnknown = "method_unknown", 422, "Neither paypal nor bank_transfer.";
        DetailsUnreadable = "details_unreadable", 422, "The sealed details cannot be opened, or are none that a payout by this method can go to.";
        PartnerUnknown = "partner_unknown", 404, "There is no such partner for the one who asks.";
        PayoutExists = "payout_exists", 409, "The payout was requested before.";
        PayoutUnknown = "payout_unknown", 404, "There is no such payout.";
        PayoutNotThere = "payout_not_there", 409, "The payout is past this step.";
        BrandUnknown = "brand_unknown", 404, "There is no such brand for the one who asks.";
        AccountExists = "account_exists", 409, "The brand has an account of that name.";
        AccountUnknown = "account_unknown", 404, "The brand has no account of that name.";
        SameAccount = "same_account", 422, "Money moves from one account to another.";
        InsufficientFunds = "insufficient_funds", 422, "More was asked for than stands in the account, less what waits for the brand's funds.";
        DepositExists = "deposit_exists", 409, "The deposit was announced before.";
        DepositUnknown = "deposit_unknown", 404, "There is no such deposit for the one who asks.";
        DepositSettled = "deposit_settled", 409, "The deposit was cleared, or failed, before.";
        WithdrawalExists = "withdrawal_exists", 409, "The withdrawal was requested before.";
        WithdrawalUnknown = "withdrawal_unknown", 404, "There is no such withdrawal for the one who asks.";
        WithdrawalSettled = "withdrawal_settled", 409, "The withdrawal was settled, or failed, before.";
        OperatorsOnly = "operators_only", 403, "Who grants credit, and says what the bank says, is an operator.";
        BillingUnchanged = "billing_unchanged", 409, "The brand's billing is so already.";
        FundsWarningUnchanged = "funds_warning_unchanged", 409, "The amount below which the brand is warned is so already.";
        NothingFunded = "nothing_funded", 409, "Nothing waits that the brand's funds cover.";
        StatementNotDue = "statement_not_due", 409, "The month is not over, its statement was issued before, or something moved in it that was not counted.";
        ProviderKeyExpired = "provider_key_expired", 409, "Submitting again could pay twice: an operator must decide.";
        Unreadable = "unreadable", 422, "The command says something that no build of ours would.";
    }
    /// Why notify refuses.
    NotifyCode {
        BrandUnknown = "brand_unknown", 404, "There is no such brand for the one who asks.";
        PartnerUnknown = "partner_unknown", 404, "There is no such partner for the one who asks.";
        WebhookEndpointUnknown = "webhook_endpoint_unknown", 404, "There is no such webhook endpoint for the one who asks.";
        WebhookDeliveryUnknown = "webhook_delivery_unknown", 404, "The webhook endpoint was sent no such delivery, or it is kept no more.";
        TooManyWebhookEndpoints = "too_many_webhook_endpoints", 409, "The owner has as many webhook endpoints as there may be: remove one.";
        WebhookEndpointEnabled = "webhook_endpoint_enabled", 409, "The webhook endpoint is sent events.";
        WebhookEndpointDisabled = "webhook_endpoint_disabled", 409, "The webhook endpoint is sent nothing: enable it.";
        WebhookEndpointUnchanged = "webhook_endpoint_unchanged", 409, "The webhook endpoint is so already.";
        NotForProducers = "not_for_producers", 403, "Webhook endpoints, mail addresses, texts of mails and onboarding are made and changed by people, at the bff or at notify, and not by a producer.";
        MailTemplateInvalid = "mail_template_invalid", 422, "Of such a subject or text no mail can be made: the detail says in which line, and what may stand there.";
        MailTemplateUnchanged = "mail_template_unchanged", 409, "The brand's text of such mails is so already.";
        ContactUnchanged = "contact_unchanged", 409, "The owner has these mail addresses already.";
        WorkflowUnknown = "workflow_unknown", 404, "There is no such workflow for the one who asks.";
        WorkflowStepNotWaiting = "workflow_step_not_waiting", 409, "The step does not wait for anything that this would change.";
        WorkflowEnded = "workflow_ended", 409, "The workflow has ended, or what it did is being taken back.";
        OnboardingUnchanged = "onboarding_unchanged", 409, "The brand's onboarding is so already.";
        MailUnknown = "mail_unknown", 404, "There is no such mail, or what became of it is known.";
        InvalidField = "invalid_field", 422, "A kind of event that there is none of, or of which the owner is shown nothing; or mail addresses of which none is sent what has to arrive.";
        Unreadable = "unreadable", 422, "The command says something that no build of ours would.";
    }
}
