//! Closed lists that bodies and answers have in documents.

chassis::closed_lists! {
    /// How partners come into a campaign: by accepting the terms, by the brand's approval after that, or by the brand's
    /// invitation before.
    pub JoinMode of types::JoinMode;
    /// Why a brand does not want a partner in a campaign.
    pub RefusalReason of types::RefusalReason;
    /// Why a brand rejects or returns evidence.
    pub EvidenceReason of types::EvidenceReason;
    /// Whether a link leads to its target: `disabled` while it leads to the campaign's fallback page.
    pub LinkStatus of types::LinkStatus;
    /// Why a brand declines what a partner claims.
    pub DeclineReason of types::DeclineReason;
    /// In what time a budget may be spent.
    pub BudgetInterval of types::BudgetInterval;
    /// What a campaign can do without.
    pub Clearable of types::Clearable;
    /// What an API key may do: make and change campaigns with their terms (`campaigns.write`), decide upon partners' claims
    /// (`claims.write`), report leads, purchases and refunds (`conversions.write`), disable and enable links (`links.write`),
    /// decide upon partners (`partners.write`), read what the brand may read (`reports.read`).
    pub ApiKeyScope of types::ApiKeyScope;
    /// How far a payout is.
    pub PayoutStatus of types::PayoutStatus;
    /// When a brand pays for what its partners earn.
    pub Billing of types::Billing;
    /// How far a deposit is.
    pub DepositStatus of types::DepositStatus;
    /// How far a withdrawal is.
    pub WithdrawalStatus of types::WithdrawalStatus;
    /// Why a bank did not carry out a deposit or a withdrawal.
    pub BankFailure of types::BankFailure;
    /// Whether a partner may be in campaigns: `banned` while it may not.
    pub PartnerStatus of types::PartnerStatus;
    /// What may be unknown of a partner.
    pub PartnerField of types::PartnerField;
    /// What may be unknown of a brand.
    pub BrandField of types::BrandField;
    /// Whether partners are in a group: of an archived one they are in the default group.
    pub GroupStatus of types::GroupStatus;
    /// What a group can do without.
    pub GroupField of types::GroupField;
    /// Whether a webhook endpoint is sent events.
    pub WebhookEndpointStatus of types::WebhookEndpointStatus;
    /// What a webhook endpoint is sent: signed events by POST (`webhook`), or a GET to an address that names what happened (`postback`).
    pub WebhookFormat of types::WebhookFormat;
    /// Why a webhook endpoint is disabled: its owner wants it so, it answered 410 (`gone`), something was not taken as often as it was
    /// tried over days (`failing`), or more waited for it than is kept (`queue_full`).
    pub WebhookDisabledReason of types::WebhookDisabledReason;
    /// What became of an event that is sent to a webhook endpoint.
    pub WebhookDeliveryState of types::WebhookDeliveryState;
    /// What mails are about: applications and invitations (`programme`), claims and commissions (`earnings`), payouts and funds (`money`),
    /// or that something of the owner's was switched off (`security`).
    pub MailGroup of types::MailGroup;
    /// A language that mails are written in, by ISO 639.
    pub MailLanguage of types::MailLanguage;
    /// By which way somebody is told: `mail`, at an address, or `text`, a text message at a number.
    pub Channel of types::Channel;
    /// What is done with an application, in this order: `checks`, `group`, `manager`, `crm_contact`, `approval`, `link`.
    pub WorkflowStep of types::WorkflowStep;
    /// How far a step of a workflow is.
    pub WorkflowStepState of types::WorkflowStepState;
    /// How far a workflow is.
    pub WorkflowStatus of types::WorkflowStatus;
    /// Why a step of a workflow was left out or came to nothing, or what was done is taken back.
    pub WorkflowReason of types::WorkflowReason;
    /// What became of a mail.
    pub MailState of types::MailState;
    /// Why a mail was not sent: a server refuses it (`refused`), none took it as often as it was tried over days (`unreachable`), or its
    /// address is there no more (`no_address`).
    pub MailFailure of types::MailFailure;
    /// An account of a partner: what it earned on hold (`pending`) and for good (`payable`), in payouts under way (`in_transit`), paid
    /// (`paid_out`), what waits for its brand's funds (`unfunded`) and what no other account takes (`suspense`).
    pub AccountType of types::AccountType;
}
