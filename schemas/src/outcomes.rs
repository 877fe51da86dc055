//! What a command ends in: one of these events, or `command.rejected.v1` with one of these codes.

use crate::kinds::Kind;
use crate::service::Service;

/// The kinds of which one is a command's outcome unless it is refused; none for an event. `./tributary check` holds the
/// logs to it.
pub fn outcomes(kind: &Kind) -> &'static [&'static str] {
    match kind.name {
        "campaign.create.command.v1" => &["campaign.created.v1"],
        "campaign.publish_terms.command.v1" => &["terms.published.v1"],
        "campaign.activate.command.v1" => &["campaign.activated.v1"],
        "campaign.accept.command.v1" => &["enrollment.accepted.v1"],
        "campaign.submit_evidence.command.v1" => &["evidence.submitted.v1"],
        "tracking.create_link.command.v1" => &["link.created.v1"],
        "tracking.record_event.command.v1" => &[
            "conversion.attributed.v1",
            "conversion.unattributed.v1",
            "conversion.refunded.v1",
            "conversion.refund_noted.v1",
            "conversion.duplicate_ignored.v1",
            "tracking_event.recorded.v1",
        ],
        "commission.release_hold.command.v1" => &["commission.approved.v1"],
        "payment.request_payout.command.v1" => &["payout.requested.v1"],
        "payment.begin_payout.command.v1" => &["payout.submitting.v1"],
        "payment.record_payout_answer.command.v1" => &[
            "payout.submitted.v1",
            "payout.unknown.v1",
            "payout.paid.v1",
            "payout.failed.v1",
        ],
        _ => &[],
    }
}

/// Every code that a service's `command.rejected.v1` can have, with what it means. A test holds the deciders' own lists
/// to it.
pub fn rejection_codes(service: Service) -> Vec<(&'static str, &'static str)> {
    let own = match service {
        Service::Bff => &[],
        Service::Campaign => CAMPAIGN,
        Service::Tracking => TRACKING,
        Service::Commission => COMMISSION,
        Service::Payment => PAYMENT,
    };
    own.iter().chain(OF_THE_ROAD).copied().collect()
}

/// Codes that no decider gives.
const OF_THE_ROAD: &[(&str, &str)] = &[
    (
        "timed_out_waiting",
        "What the command needs did not become known in time.",
    ),
    (
        "dropped_by_operator",
        "It was set aside, and an operator ended it.",
    ),
];

const CAMPAIGN: &[(&str, &str)] = &[
    ("campaign_exists", "The id is taken, by whomever."),
    (
        "campaign_unknown",
        "There is no such campaign for the one who asks.",
    ),
    (
        "brand_unknown",
        "There is no such brand for the one who asks.",
    ),
    (
        "partner_unknown",
        "There is no such partner for the one who asks.",
    ),
    ("campaign_not_active", "Partners cannot join it yet."),
    ("already_active", "It was activated before."),
    (
        "terms_not_published",
        "There are no terms that a partner could accept.",
    ),
    (
        "terms_version_stale",
        "Another version of the terms is in force.",
    ),
    ("already_accepted", "The partner is enrolled."),
    (
        "not_enrolled",
        "The partner has not accepted the campaign's terms.",
    ),
    (
        "already_submitted",
        "The same file was submitted for the same purpose.",
    ),
    (
        "currency_mismatch",
        "A plan pays in its campaign's currency.",
    ),
    (
        "too_many_versions",
        "There is no number for another version of the terms.",
    ),
    (
        "unreadable",
        "The command says something that no build of ours would.",
    ),
];

const TRACKING: &[(&str, &str)] = &[
    (
        "invalid_field",
        "A field that no edge of ours would have let through.",
    ),
    ("link_exists", "The code is taken."),
    (
        "campaign_unknown",
        "There is no such campaign for the one who asks.",
    ),
    ("not_enrolled", "The one who asks is not that partner."),
    (
        "host_not_allowed",
        "The link would lead off the campaign's hosts.",
    ),
    ("amount_required", "A purchase without an amount."),
    (
        "amount_precision",
        "The amount has more decimals than its currency.",
    ),
    (
        "currency_mismatch",
        "Not the campaign's or the purchase's currency.",
    ),
    (
        "order_required",
        "A refund that does not say of which order.",
    ),
    (
        "refund_exceeds_purchase",
        "More would go back than was paid.",
    ),
    ("nothing_to_refund", "The conversion has no amount."),
    (
        "conversion_unknown",
        "There is no such conversion for the one who asks.",
    ),
    (
        "click_unknown",
        "A partner's report that no click of its own led to.",
    ),
    (
        "time_in_future",
        "Claimed to happen more than five minutes from now.",
    ),
];

const COMMISSION: &[(&str, &str)] = &[
    ("commission_unknown", "There is no such commission."),
    ("not_held", "Nothing is on hold any more."),
    (
        "hold_not_over",
        "The hold lasts longer than the command says.",
    ),
];

const PAYMENT: &[(&str, &str)] = &[
    (
        "insufficient_balance",
        "More was asked for than is payable.",
    ),
    (
        "currency_mismatch",
        "The partner has money, but none of this currency.",
    ),
    ("amount_not_positive", "Nothing, or less, was asked for."),
    ("amount_out_of_range", "A balance would be out of range."),
    (
        "currency_unknown",
        "The currency is not a known ISO 4217 code.",
    ),
    ("method_unknown", "Neither paypal nor bank_transfer."),
    (
        "details_unreadable",
        "The sealed details cannot be opened, or not read as payment details.",
    ),
    (
        "partner_unknown",
        "There is no such partner for the one who asks.",
    ),
    ("payout_exists", "The payout was requested before."),
    ("payout_unknown", "There is no such payout."),
    ("payout_not_there", "The payout is past this step."),
    (
        "provider_key_expired",
        "Submitting again could pay twice: an operator must decide.",
    ),
    (
        "unreadable",
        "The command says something that no build of ours would.",
    ),
];
