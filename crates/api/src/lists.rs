//! Closed lists that bodies and answers have in documents.

chassis::closed_list!(
    /// How partners come into a campaign: by accepting the terms, by the brand's approval after that, or by the brand's
    /// invitation before.
    pub JoinMode: types::JoinMode::ALL.map(types::JoinMode::name)
);

chassis::closed_list!(
    /// Why a brand does not want a partner in a campaign.
    pub RefusalReason: types::RefusalReason::ALL.map(types::RefusalReason::name)
);

chassis::closed_list!(
    /// Why a brand rejects or returns evidence.
    pub EvidenceReason: types::EvidenceReason::ALL.map(types::EvidenceReason::name)
);

chassis::closed_list!(
    /// Whether a link leads to its target: `disabled` while it leads to the campaign's fallback page.
    pub LinkStatus: types::LinkStatus::ALL.map(types::LinkStatus::name)
);

chassis::closed_list!(
    /// Why a brand declines what a partner claims.
    pub DeclineReason: types::DeclineReason::ALL.map(types::DeclineReason::name)
);

chassis::closed_list!(
    /// In what time a budget may be spent.
    pub BudgetInterval: types::BudgetInterval::ALL.map(types::BudgetInterval::name)
);

chassis::closed_list!(
    /// What a campaign can do without.
    pub Clearable: types::Clearable::ALL.map(types::Clearable::name)
);

chassis::closed_list!(
    /// What an API key may do: make and change campaigns with their terms (`campaigns.write`), decide upon partners' claims
    /// (`claims.write`), report leads, purchases and refunds (`conversions.write`), disable and enable links (`links.write`),
    /// decide upon partners (`partners.write`), read what the brand may read (`reports.read`).
    pub ApiKeyScope: types::ApiKeyScope::ALL.map(types::ApiKeyScope::name)
);

chassis::closed_list!(
    /// When a brand pays for what its partners earn.
    pub Billing: types::Billing::ALL.map(types::Billing::name)
);

chassis::closed_list!(
    /// How far a deposit is.
    pub DepositStatus: types::DepositStatus::ALL.map(types::DepositStatus::name)
);

chassis::closed_list!(
    /// How far a withdrawal is.
    pub WithdrawalStatus: types::WithdrawalStatus::ALL.map(types::WithdrawalStatus::name)
);

chassis::closed_list!(
    /// Why a bank did not carry out a deposit or a withdrawal.
    pub BankFailure: types::BankFailure::ALL.map(types::BankFailure::name)
);

chassis::closed_list!(
    /// Whether a partner may be in campaigns: `banned` while it may not.
    pub PartnerStatus: types::PartnerStatus::ALL.map(types::PartnerStatus::name)
);

chassis::closed_list!(
    /// What may be unknown of a partner.
    pub PartnerField: types::PartnerField::ALL.map(types::PartnerField::name)
);

chassis::closed_list!(
    /// What may be unknown of a brand.
    pub BrandField: types::BrandField::ALL.map(types::BrandField::name)
);

chassis::closed_list!(
    /// Whether partners are in a group: of an archived one they are in the default group.
    pub GroupStatus: types::GroupStatus::ALL.map(types::GroupStatus::name)
);

chassis::closed_list!(
    /// What a group can do without.
    pub GroupField: types::GroupField::ALL.map(types::GroupField::name)
);

chassis::closed_list!(
    /// Whether a webhook endpoint is sent events.
    pub WebhookEndpointStatus: types::WebhookEndpointStatus::ALL.map(types::WebhookEndpointStatus::name)
);

chassis::closed_list!(
    /// What a webhook endpoint is sent: signed events by POST (`webhook`), or a GET to an address that names what happened (`postback`).
    pub WebhookFormat: types::WebhookFormat::ALL.map(types::WebhookFormat::name)
);

chassis::closed_list!(
    /// Why a webhook endpoint is disabled: its owner wants it so, it answered 410 (`gone`), something was not taken as often as it was
    /// tried over days (`failing`), or more waited for it than is kept (`queue_full`).
    pub WebhookDisabledReason: types::WebhookDisabledReason::ALL.map(types::WebhookDisabledReason::name)
);

chassis::closed_list!(
    /// What became of an event that is sent to a webhook endpoint.
    pub WebhookDeliveryState: types::WebhookDeliveryState::ALL.map(types::WebhookDeliveryState::name)
);

chassis::closed_list!(
    /// What mails are about: applications and invitations (`programme`), claims and commissions (`earnings`), payouts and funds (`money`),
    /// or that something of the owner's was switched off (`security`).
    pub MailGroup: types::MailGroup::ALL.map(types::MailGroup::name)
);

chassis::closed_list!(
    /// A language that mails are written in, by ISO 639.
    pub MailLanguage: types::MailLanguage::ALL.map(types::MailLanguage::name)
);

chassis::closed_list!(
    /// By which way somebody is told: `mail`, at an address, or `text`, a text message at a number.
    pub Channel: types::Channel::ALL.map(types::Channel::name)
);

chassis::closed_list!(
    /// What is done with an application, in this order: `checks`, `group`, `manager`, `crm_contact`, `approval`, `link`.
    pub WorkflowStep: types::WorkflowStep::ALL.map(types::WorkflowStep::name)
);

chassis::closed_list!(
    /// How far a step of a workflow is.
    pub WorkflowStepState: types::WorkflowStepState::ALL.map(types::WorkflowStepState::name)
);

chassis::closed_list!(
    /// How far a workflow is.
    pub WorkflowStatus: types::WorkflowStatus::ALL.map(types::WorkflowStatus::name)
);

chassis::closed_list!(
    /// Why a step of a workflow was left out or came to nothing, or what was done is taken back.
    pub WorkflowReason: types::WorkflowReason::ALL.map(types::WorkflowReason::name)
);

chassis::closed_list!(
    /// What became of a mail.
    pub MailState: types::MailState::ALL.map(types::MailState::name)
);

chassis::closed_list!(
    /// Why a mail was not sent: a server refuses it (`refused`), none took it as often as it was tried over days (`unreachable`), or its
    /// address is there no more (`no_address`).
    pub MailFailure: types::MailFailure::ALL.map(types::MailFailure::name)
);

chassis::closed_list!(
    /// An account of a partner: what it earned on hold (`pending`) and for good (`payable`), in payouts under way (`in_transit`), paid
    /// (`paid_out`), what waits for its brand's funds (`unfunded`) and what no other account takes (`suspense`).
    pub AccountType: types::AccountType::ALL.map(types::AccountType::name)
);
