//! What a command ends in: one of these events, or `command.rejected.v1` with one of these codes.

use crate::kinds::{KINDS, Kind};
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

/// The kind of command that ends in this event; none for an event that is no command's outcome.
pub fn ends(event: &str) -> Option<&'static str> {
    let mut commands = KINDS.iter().filter(|kind| kind.command);
    let ended = commands.find(|kind| outcomes(kind).contains(&event));
    ended.map(|kind| kind.name)
}

/// What a conversion may be, and a commission be for.
pub const CONVERSION_TYPES: [&str; 2] = ["purchase", "lead"];

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

/// Every code that a service's `command.rejected.v1` can have. A test holds the deciders' own lists to it.
pub fn rejection_codes(service: Service) -> impl Iterator<Item = RejectionCode> {
    decision_codes(service).chain(OF_THE_DOOR.iter().copied())
}

/// Those that a request can be refused with: all but the door's, which refuses what comes by the broker.
pub fn decision_codes(service: Service) -> impl Iterator<Item = RejectionCode> {
    let own = match service {
        Service::Bff => &[],
        Service::Campaign => CAMPAIGN,
        Service::Tracking => TRACKING,
        Service::Commission => COMMISSION,
        Service::Payment => PAYMENT,
    };
    own.iter().chain(OF_THE_ROAD).copied()
}

/// The code of that name, if the service refuses with it.
pub fn rejection_code(service: Service, name: &str) -> Option<RejectionCode> {
    rejection_codes(service).find(|code| code.name == name)
}

const fn code(name: &'static str, status: u16, meaning: &'static str) -> RejectionCode {
    RejectionCode {
        name,
        status,
        meaning,
    }
}

/// Codes that no decider gives.
const OF_THE_ROAD: &[RejectionCode] = &[
    code(
        "timed_out_waiting",
        409,
        "What the command needs did not become known in time.",
    ),
    code(
        "dropped_by_operator",
        409,
        "It was set aside, and an operator ended it.",
    ),
];

/// Codes of those that refuse what came by the broker before it is looked at.
const OF_THE_DOOR: &[RejectionCode] = &[
    code(
        "producer_unknown",
        401,
        "No key of a producer signed it. Not said of the command's id, which nobody knows to be the sender's.",
    ),
    code(
        "malformed_message",
        400,
        "Its bytes are no message. Not said of the command's id, which stands in the properties alone.",
    ),
    code(
        "not_permitted",
        403,
        "The producer's key does not stand for that: another actor, or a kind that is not taken from outside.",
    ),
];

const CAMPAIGN: &[RejectionCode] = &[
    code("campaign_exists", 409, "The id is taken, by whomever."),
    code(
        "campaign_unknown",
        404,
        "There is no such campaign for the one who asks.",
    ),
    code(
        "brand_unknown",
        404,
        "There is no such brand for the one who asks.",
    ),
    code(
        "partner_unknown",
        404,
        "There is no such partner for the one who asks.",
    ),
    code("campaign_not_active", 409, "Partners cannot join it yet."),
    code("already_active", 409, "It was activated before."),
    code(
        "terms_not_published",
        409,
        "There are no terms that a partner could accept.",
    ),
    code(
        "terms_version_stale",
        409,
        "Another version of the terms is in force.",
    ),
    code("already_accepted", 409, "The partner is enrolled."),
    code(
        "not_enrolled",
        409,
        "The partner has not accepted the campaign's terms.",
    ),
    code(
        "already_submitted",
        409,
        "The same file was submitted for the same purpose.",
    ),
    code(
        "currency_mismatch",
        422,
        "A plan pays in its campaign's currency.",
    ),
    code(
        "too_many_versions",
        409,
        "There is no number for another version of the terms.",
    ),
    code(
        "unreadable",
        422,
        "The command says something that no build of ours would.",
    ),
];

const TRACKING: &[RejectionCode] = &[
    code(
        "invalid_field",
        422,
        "A field that no edge of ours would have let through.",
    ),
    code("link_exists", 409, "The code is taken."),
    code(
        "campaign_unknown",
        404,
        "There is no such campaign for the one who asks.",
    ),
    code("not_enrolled", 404, "The one who asks is not that partner."),
    code(
        "host_not_allowed",
        422,
        "The link would lead off the campaign's hosts.",
    ),
    code("amount_required", 422, "A purchase without an amount."),
    code(
        "amount_precision",
        422,
        "The amount has more decimals than its currency.",
    ),
    code(
        "currency_mismatch",
        422,
        "Not the campaign's or the purchase's currency.",
    ),
    code(
        "order_required",
        422,
        "A refund that does not say of which order.",
    ),
    code(
        "refund_exceeds_purchase",
        422,
        "More would go back than was paid.",
    ),
    code("nothing_to_refund", 422, "The conversion has no amount."),
    code(
        "conversion_unknown",
        404,
        "There is no such conversion for the one who asks.",
    ),
    code(
        "click_unknown",
        404,
        "A partner's report that no click of its own led to.",
    ),
    code(
        "time_in_future",
        422,
        "Claimed to happen more than five minutes from now.",
    ),
];

const COMMISSION: &[RejectionCode] = &[
    code("commission_unknown", 404, "There is no such commission."),
    code("not_held", 409, "Nothing is on hold any more."),
    code(
        "hold_not_over",
        409,
        "The hold lasts longer than the command says.",
    ),
];

const PAYMENT: &[RejectionCode] = &[
    code(
        "insufficient_balance",
        422,
        "More was asked for than is payable.",
    ),
    code(
        "currency_mismatch",
        422,
        "The partner has money, but none of this currency.",
    ),
    code(
        "amount_not_positive",
        422,
        "Nothing, or less, was asked for.",
    ),
    code(
        "amount_out_of_range",
        422,
        "A balance would be out of range.",
    ),
    code(
        "currency_unknown",
        422,
        "The currency is not a known ISO 4217 code.",
    ),
    code("method_unknown", 422, "Neither paypal nor bank_transfer."),
    code(
        "details_unreadable",
        422,
        "The sealed details cannot be opened, or are none that a payout by this method can go to.",
    ),
    code(
        "partner_unknown",
        404,
        "There is no such partner for the one who asks.",
    ),
    code("payout_exists", 409, "The payout was requested before."),
    code("payout_unknown", 404, "There is no such payout."),
    code("payout_not_there", 409, "The payout is past this step."),
    code(
        "provider_key_expired",
        409,
        "Submitting again could pay twice: an operator must decide.",
    ),
    code(
        "unreadable",
        422,
        "The command says something that no build of ours would.",
    ),
];
