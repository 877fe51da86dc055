//! What happened, applied.

use money::{Micros, PayoutId, Uuid};

use super::{Books, Event, Payout, Status};

/// When an event was recorded, and under which id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its id.
    pub id: Uuid,
    /// Our time.
    pub time: Micros,
}

/// Applies an event that was recorded `at`. The fold of all events is the state.
pub fn evolve(books: &mut Books, event: &Event, at: Stamp) {
    for transfer in event.transfers() {
        books.post(&transfer);
    }
    match event {
        Event::PayoutRequested {
            payout,
            partner,
            amount,
            method,
            masked,
            ..
        } => {
            let new = Payout {
                id: payout.clone(),
                partner: partner.clone(),
                amount: *amount,
                method: *method,
                masked: masked.clone(),
                status: Status::Requested,
                attempt: 0,
                first_attempt_at: None,
                provider_ref: None,
                reason: None,
                requested_at: at.time,
                updated_at: at.time,
                last_event: at.id,
            };
            books.payouts.insert(payout.clone(), new);
        }
        Event::PayoutSubmitting {
            payout, attempt, ..
        } => step(books, payout, at, |payout| {
            payout.status = Status::Submitting;
            payout.attempt = *attempt;
            payout.first_attempt_at.get_or_insert(at.time);
        }),
        Event::PayoutSubmitted {
            payout,
            provider_ref,
            reason,
            ..
        } => answered(books, payout, at, Status::Submitted, provider_ref, reason),
        Event::PayoutUnknown {
            payout,
            provider_ref,
            reason,
            ..
        } => answered(books, payout, at, Status::Unknown, provider_ref, reason),
        Event::PayoutPaid {
            payout,
            provider_ref,
            ..
        } => answered(books, payout, at, Status::Paid, provider_ref, &None),
        Event::PayoutFailed {
            payout,
            provider_ref,
            reason,
            ..
        } => answered(books, payout, at, Status::Failed, provider_ref, reason),
        Event::LedgerPosted(_) => {}
    }
}

#[expect(clippy::ref_option, reason = "these are fields of an event")]
fn answered(
    books: &mut Books,
    payout: &PayoutId,
    at: Stamp,
    status: Status,
    provider_ref: &Option<String>,
    reason: &Option<String>,
) {
    step(books, payout, at, |payout| {
        payout.status = status;
        payout.provider_ref.clone_from(provider_ref);
        payout.reason.clone_from(reason);
    });
}

fn step(books: &mut Books, payout: &PayoutId, at: Stamp, change: impl FnOnce(&mut Payout)) {
    if let Some(payout) = books.payouts.get_mut(payout) {
        change(payout);
        payout.updated_at = at.time;
        payout.last_event = at.id;
    }
}
