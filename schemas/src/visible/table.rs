//! Of each kind: whose a message of it is, and which fields its partner and its brand see.

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The partner's and the brand's that it names.
    Named,
    /// The partner's and the brand's that it names. Where it names none: of the conversion or claim that it is about; of one that is nobody's,
    /// who reported it.
    Subject,
    /// The partner's that it names, and the brand's that it names, or else whose campaign it names or is in by its key.
    OfCampaign,
    /// The partner's that is its key.
    PartnerByKey,
    /// The brand's that is its key.
    BrandByKey,
    /// The partner's that is its key, and the brand's that it names: one that names none is no brand's.
    PartnerByKeyAndNamed,
    /// Who asked for it.
    Asker,
    /// Those in whose accounts it moves money; each sees its own transfers.
    Accounts,
}

use Whose::{
    Accounts, Asker, BrandByKey, Named, OfCampaign, PartnerByKey, PartnerByKeyAndNamed, Subject,
};

/// What a role sees of a payload; `None`: not even the message.
pub(super) type Fields = Option<&'static [&'static str]>;

/// That there is the message, and no field of it.
const BARE: Fields = Some(&[]);
const SALE: Fields = Some(&["sale"]);
const SETTLED: Fields = Some(&["sale", "conversion_id"]);
const ATTRIBUTED: Fields = Some(&[
    "event_type",
    "order_id",
    "campaign_id",
    "brand_id",
    "partner_id",
    "link_code",
    "click_id",
    "amount",
    "terms_version",
    "occurred_at",
    "verified_by",
    "clicked_at",
    "click_named",
]);
const UNATTRIBUTED: Fields = Some(&[
    "event_type",
    "reason",
    "amount",
    "currency",
    "order_id",
    "campaign_id",
    "click_id",
    "occurred_at",
]);
const REPORT: Fields = Some(&[
    "event_type",
    "amount",
    "currency",
    "order_id",
    "campaign_id",
    "click_id",
    "product_id",
    "occurred_at",
]);
const RECORDED: Fields = Some(&["event_type", "order_id", "campaign_id", "occurred_at"]);
const CALCULATED: Fields = Some(&[
    "partner_id",
    "brand_id",
    "campaign_id",
    "event_type",
    "base",
    "rate_bps",
    "flat",
    "plan_version",
    "rounding",
    "amount",
    "status",
    "hold_until",
]);
const APPROVED: Fields = Some(&["partner_id", "brand_id", "amount"]);
const REVERSED: Fields = Some(&["partner_id", "brand_id", "amount", "reversed_total", "from"]);
const REFUNDED: Fields = Some(&["amount", "refunded_total", "purchase_amount"]);
const POSTED: Fields = Some(&["transfers", "cause", "conversion_id", "reason"]);
const PAYOUT: Fields = Some(&[
    "amount",
    "method",
    "masked",
    "transfer_id",
    "attempt",
    "provider_ref",
    "reason",
]);
const STATEMENT: Fields = Some(&["month", "lines"]);
const BANK: Fields = Some(&[
    "brand_id",
    "account",
    "amount",
    "reference",
    "transfer_id",
    "reason",
]);
const MOVED: Fields = Some(&[
    "brand_id",
    "from_account",
    "to_account",
    "amount",
    "transfer_id",
]);
const ENROLLMENT: Fields = Some(&[
    "partner_id",
    "brand_id",
    "terms_version",
    "status",
    "reason",
]);
const EVIDENCE: Fields = Some(&["partner_id", "brand_id", "evidence_type", "reason"]);
const LINK: Fields = Some(&[
    "campaign_id",
    "brand_id",
    "partner_id",
    "target_url",
    "status",
]);
const CAMPAIGN: Fields = Some(&["brand_id", "name", "currency", "reason"]);
const TERMS: Fields = Some(&[
    "version",
    "brand_id",
    "currency",
    "window_days",
    "plan",
    "effective_at",
]);
const BAN: Fields = Some(&["brand_id", "reason"]);
/// How a key begins is shown where keys are listed, and nowhere else.
const API_KEY: Fields = Some(&["brand_id", "scopes", "expires_at", "previous_until"]);
const GROUP: Fields = Some(&["status", "link_limit"]);
const MEMBER: Fields = Some(&["partner_id", "group_id"]);
/// Names and websites are sealed to the services.
const RECORD: Fields = Some(&["country", "currency"]);
const REFUSED: Fields = Some(&["command_type", "code", "detail", "pointer"]);
const ENDPOINT: Fields = Some(&[
    "brand_id",
    "partner_id",
    "url",
    "kinds",
    "description",
    "reason",
    "version",
    "previous_until",
    "delivery_id",
    "since",
    "until",
    "format",
]);
const MAIL: Fields = Some(&[
    "brand_id",
    "partner_id",
    "kind",
    "event_id",
    "reason",
    "smtp_status",
    "channel",
]);
const TEMPLATE: Fields = Some(&["brand_id", "kind", "language"]);
const ONBOARDING: Fields = Some(&[
    "enabled",
    "approves",
    "countries",
    "group_id",
    "tags",
    "crm",
]);
const WORKFLOW: Fields = Some(&[
    "brand_id",
    "partner_id",
    "campaign_id",
    "correlation_id",
    "approves",
    "countries",
    "group_id",
    "from_group_id",
    "group_before",
    "tags",
    "crm",
    "step",
    "compensates",
    "skipped",
    "refusal",
    "reason",
    "failure",
    "crm_status",
    "returned",
    "link_code",
]);
const WELCOME: Fields = Some(&["brand_id", "partner_id", "campaign_id", "link_code"]);
const REASON: Fields = Some(&["reason"]);

/// Kind, whose it is, what its partner sees, what its brand sees.
#[rustfmt::skip]
pub(super) const TABLE: &[(&str, Whose, Fields, Fields)] = &[
    ("campaign.create.command.v1", Asker, None, BARE),
    ("campaign.change.command.v1", Asker, None, BARE),
    ("campaign.publish_terms.command.v1", Asker, None, BARE),
    ("campaign.activate.command.v1", Asker, None, BARE),
    ("campaign.pause.command.v1", Asker, None, BARE),
    ("campaign.resume.command.v1", Asker, None, BARE),
    ("campaign.close.command.v1", Asker, None, BARE),
    ("campaign.accept.command.v1", Asker, Some(&["terms_version"]), None),
    ("campaign.end_enrollment.command.v1", Asker, Some(&["status"]), Some(&["partner_id", "status", "reason"])),
    ("campaign.invite.command.v1", Asker, None, Some(&["partner_id"])),
    ("campaign.approve.command.v1", Asker, None, Some(&["partner_id"])),
    ("campaign.reject.command.v1", Asker, None, Some(&["partner_id", "reason"])),
    ("campaign.submit_evidence.command.v1", Asker, Some(&["evidence_type"]), None),
    ("campaign.approve_evidence.command.v1", Asker, None, BARE),
    ("campaign.reject_evidence.command.v1", Asker, None, REASON),
    ("campaign.return_evidence.command.v1", Asker, None, REASON),
    ("campaign.ban_partner.command.v1", Asker, None, REASON),
    ("campaign.unban_partner.command.v1", Asker, None, BARE),
    ("campaign.create_api_key.command.v1", Asker, None, BARE),
    ("campaign.rotate_api_key.command.v1", Asker, None, BARE),
    ("campaign.revoke_api_key.command.v1", Asker, None, BARE),
    ("campaign.create_group.command.v1", Asker, None, BARE),
    ("campaign.change_group.command.v1", Asker, None, BARE),
    ("campaign.move_partner.command.v1", Asker, None, MEMBER),
    ("campaign.change_partner.command.v1", Asker, BARE, None),
    ("campaign.change_brand.command.v1", Asker, None, BARE),
    ("campaign.created.v1", Named, None, CAMPAIGN),
    ("campaign.changed.v1", Named, None, CAMPAIGN),
    ("campaign.activated.v1", Named, None, CAMPAIGN),
    ("campaign.paused.v1", Named, None, CAMPAIGN),
    ("campaign.resumed.v1", Named, None, CAMPAIGN),
    ("campaign.closed.v1", Named, None, CAMPAIGN),
    ("terms.published.v1", Named, None, TERMS),
    ("enrollment.invited.v1", Named, ENROLLMENT, ENROLLMENT),
    ("enrollment.applied.v1", Named, ENROLLMENT, ENROLLMENT),
    ("enrollment.approved.v1", Named, ENROLLMENT, ENROLLMENT),
    ("enrollment.rejected.v1", Named, ENROLLMENT, ENROLLMENT),
    ("enrollment.accepted.v1", Named, ENROLLMENT, ENROLLMENT),
    ("enrollment.ended.v1", Named, ENROLLMENT, ENROLLMENT),
    ("evidence.submitted.v1", OfCampaign, EVIDENCE, EVIDENCE),
    ("evidence.approved.v1", Named, EVIDENCE, EVIDENCE),
    ("evidence.rejected.v1", Named, EVIDENCE, EVIDENCE),
    ("evidence.returned.v1", Named, EVIDENCE, EVIDENCE),
    ("partner.banned.v1", PartnerByKeyAndNamed, BAN, BAN),
    ("partner.unbanned.v1", PartnerByKeyAndNamed, BAN, BAN),
    ("api_key.created.v1", Named, None, API_KEY),
    ("api_key.rotated.v1", Named, None, API_KEY),
    ("api_key.revoked.v1", Named, None, API_KEY),
    ("group.created.v1", BrandByKey, None, GROUP),
    ("group.changed.v1", BrandByKey, None, GROUP),
    ("partner.moved.v1", BrandByKey, None, MEMBER),
    ("partner.changed.v1", PartnerByKey, RECORD, None),
    ("brand.changed.v1", BrandByKey, None, RECORD),
    ("command.rejected.v1", Asker, REFUSED, REFUSED),
    ("command.stalled.v1", Asker, Some(&["command_type"]), Some(&["command_type"])),
    ("tracking.record_event.command.v1", Asker, REPORT, REPORT),
    ("tracking.accept_claim.command.v1", Asker, None, BARE),
    ("tracking.decline_claim.command.v1", Asker, None, REASON),
    ("tracking.bind_click.command.v1", Asker, None, BARE),
    ("tracking.create_link.command.v1", Asker, LINK, LINK),
    ("tracking.change_link.command.v1", Asker, LINK, LINK),
    ("conversion.attributed.v1", Named, ATTRIBUTED, ATTRIBUTED),
    ("conversion.unattributed.v1", Subject, None, UNATTRIBUTED),
    ("conversion.refunded.v1", Subject, REFUNDED, REFUNDED),
    ("conversion.refund_noted.v1", Subject, None, UNATTRIBUTED),
    ("conversion.duplicate_ignored.v1", Subject, None, Some(&["event_type", "order_id"])),
    ("tracking_event.recorded.v1", Asker, None, RECORDED),
    ("conversion.claimed.v1", Named, SALE, SALE),
    ("claim.settled.v1", Named, SETTLED, SETTLED),
    ("claim.accepted.v1", Subject, Some(&["conversion_id"]), Some(&["conversion_id"])),
    ("claim.declined.v1", Subject, REASON, REASON),
    ("click.bound.v1", Named, Some(&["campaign_id", "link_code", "clicked_at"]), Some(&["campaign_id", "partner_id", "link_code", "clicked_at"])),
    ("link.created.v1", OfCampaign, LINK, LINK),
    ("link.changed.v1", OfCampaign, LINK, LINK),
    ("visitor.erased.v1", Named, None, BARE),
    ("commission.calculated.v1", Named, CALCULATED, CALCULATED),
    ("commission.approved.v1", Named, APPROVED, APPROVED),
    ("commission.reversed.v1", Named, REVERSED, REVERSED),
    ("payment.request_payout.command.v1", Asker, Some(&["amount", "method", "masked"]), None),
    ("payment.announce_deposit.command.v1", Asker, None, BANK),
    ("payment.withdraw.command.v1", Asker, None, BANK),
    ("payment.transfer_funds.command.v1", Asker, None, MOVED),
    ("payment.open_account.command.v1", Asker, None, Some(&["brand_id", "name"])),
    ("payment.set_funds_warning.command.v1", Asker, None, BARE),
    ("ledger.posted.v1", Accounts, POSTED, POSTED),
    ("earnings.funded.v1", Accounts, Some(&["currency", "transfers"]), Some(&["currency", "transfers", "conversion_ids"])),
    ("payout.requested.v1", PartnerByKey, PAYOUT, None),
    ("payout.submitting.v1", PartnerByKey, PAYOUT, None),
    ("payout.submitted.v1", PartnerByKey, PAYOUT, None),
    ("payout.unknown.v1", PartnerByKey, PAYOUT, None),
    ("payout.paid.v1", PartnerByKey, PAYOUT, None),
    ("payout.failed.v1", PartnerByKey, PAYOUT, None),
    ("statement.issued.v1", PartnerByKey, STATEMENT, None),
    ("account.opened.v1", Named, None, Some(&["brand_id", "name"])),
    ("deposit.announced.v1", Named, None, BANK),
    ("deposit.cleared.v1", Named, None, BANK),
    ("deposit.failed.v1", Named, None, BANK),
    ("withdrawal.requested.v1", Named, None, BANK),
    ("withdrawal.settled.v1", Named, None, BANK),
    ("withdrawal.failed.v1", Named, None, BANK),
    ("funds.transferred.v1", Named, None, MOVED),
    ("billing.changed.v1", BrandByKey, None, Some(&["currency", "billing", "credit_limit"])),
    ("funds.exhausted.v1", BrandByKey, None, Some(&["currency"])),
    ("funds.restored.v1", BrandByKey, None, Some(&["currency"])),
    ("refund.recovered.v1", BrandByKey, None, Some(&["partner_id", "amount", "transfer_id"])),
    ("funds_warning.changed.v1", BrandByKey, None, Some(&["currency", "amount"])),
    ("funds.low.v1", BrandByKey, None, Some(&["currency", "left", "warning"])),
    ("notify.create_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.change_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.enable_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.disable_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.rotate_webhook_secret.command.v1", Asker, BARE, BARE),
    ("notify.remove_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.test_webhook_endpoint.command.v1", Asker, BARE, BARE),
    ("notify.resend_webhooks.command.v1", Asker, BARE, BARE),
    ("notify.change_contact.command.v1", Asker, BARE, BARE),
    ("webhook_endpoint.created.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_endpoint.changed.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_endpoint.enabled.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_endpoint.disabled.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_secret.rotated.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_endpoint.removed.v1", Named, ENDPOINT, ENDPOINT),
    ("webhook_endpoint.tested.v1", Named, ENDPOINT, ENDPOINT),
    ("webhooks.resent.v1", Named, ENDPOINT, ENDPOINT),
    ("contact.changed.v1", Named, MAIL, MAIL),
    ("contact.unsubscribed.v1", Named, MAIL, MAIL),
    ("notify.change_mail_template.command.v1", Asker, None, BARE),
    ("mail_template.changed.v1", Named, None, TEMPLATE),
    ("notification.sent.v1", Named, MAIL, MAIL),
    ("notification.failed.v1", Named, MAIL, MAIL),
    ("notify.change_onboarding.command.v1", Asker, None, BARE),
    ("notify.retry_workflow.command.v1", Asker, None, BARE),
    ("notify.skip_workflow_step.command.v1", Asker, None, BARE),
    ("notify.cancel_workflow.command.v1", Asker, None, BARE),
    ("workflow_step.answered.v1", Named, None, WORKFLOW),
    ("workflow_link.answered.v1", Named, None, WORKFLOW),
    ("onboarding.changed.v1", BrandByKey, None, ONBOARDING),
    ("workflow.started.v1", Named, None, WORKFLOW),
    ("workflow.step_requested.v1", Named, None, WORKFLOW),
    ("workflow.step_started.v1", Named, None, WORKFLOW),
    ("workflow.step_completed.v1", Named, None, WORKFLOW),
    ("workflow.step_failed.v1", Named, None, WORKFLOW),
    ("workflow.step_compensated.v1", Named, None, WORKFLOW),
    ("workflow.cancelled.v1", Named, None, WORKFLOW),
    ("workflow.completed.v1", Named, WELCOME, WORKFLOW),
    ("workflow.compensated.v1", Named, None, WORKFLOW),
];
