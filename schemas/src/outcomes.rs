//! What a command ends in: one of these events, or `command.rejected.v1` with a code of [`crate::rejection_codes`].

use crate::kinds::{KINDS, Kind};

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
