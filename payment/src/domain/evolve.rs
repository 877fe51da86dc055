//! What happened, applied.

use types::{Micros, PayoutId, Uuid};

use super::{Event, Ledger, Payout, PostError, Status};

/// When an event was recorded, and under which id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its id.
    pub id: Uuid,
    /// Our time.
    pub time: Micros,
}

/// Applies an event that was recorded `at`. The fold of all events is the state.
///
/// # Errors
/// It moves more money than a balance can hold.
pub fn evolve(ledger: &mut Ledger, event: &Event, at: Stamp) -> Result<(), PostError> {
    for transfer in event.transfers() {
        ledger.post(&transfer)?;
    }
    match event {
        Event::PayoutRequested(requested) => {
            let new = Payout {
                id: requested.subject.clone(),
                partner: requested.key.clone(),
                amount: requested.amount,
                method: requested.method,
                masked: requested.masked.clone(),
                status: Status::Requested,
                attempt: 0,
                first_attempt_at: None,
                provider_ref: None,
                reason: None,
                requested_at: at.time,
                updated_at: at.time,
                last_event: at.id,
            };
            ledger.payouts.insert(requested.subject.clone(), new);
        }
        Event::PayoutSubmitting(submitting) => step(ledger, &submitting.subject, at, |payout| {
            payout.status = Status::Submitting;
            payout.attempt = submitting.attempt;
            payout.first_attempt_at.get_or_insert(at.time);
        }),
        Event::PayoutSubmitted(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Submitted, response);
        }
        Event::PayoutUnknown(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Unknown, response);
        }
        Event::PayoutPaid(it) => {
            let response = (&it.provider_ref, &None);
            answered(ledger, &it.subject, at, Status::Paid, response);
        }
        Event::PayoutFailed(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Failed, response);
        }
        Event::LedgerPosted(_) => {}
    }
    Ok(())
}

/// What the provider said: its reference, and why.
type Response<'a> = (&'a Option<String>, &'a Option<String>);

fn answered(
    ledger: &mut Ledger,
    payout: &PayoutId,
    at: Stamp,
    status: Status,
    response: Response<'_>,
) {
    let (provider_ref, reason) = response;
    step(ledger, payout, at, |payout| {
        payout.status = status;
        payout.provider_ref.clone_from(provider_ref);
        payout.reason.clone_from(reason);
    });
}

fn step(ledger: &mut Ledger, payout: &PayoutId, at: Stamp, change: impl FnOnce(&mut Payout)) {
    if let Some(payout) = ledger.payouts.get_mut(payout) {
        change(payout);
        payout.updated_at = at.time;
        payout.last_event = at.id;
    }
}
