//! Payouts, from `payment-events`.

use schemas::{Body, Header, Message, PayoutRequestedV1};
use types::PayoutStatus::{Failed, Paid, Requested, Submitted, Submitting, Unknown};

use super::rows::{ReadModel, Says};
use crate::store::payouts::PayoutRow;

impl ReadModel for PayoutRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::PayoutRequestedV1(_) => Says::All,
            Body::PayoutSubmittingV1(_)
            | Body::PayoutSubmittedV1(_)
            | Body::PayoutUnknownV1(_)
            | Body::PayoutPaidV1(_)
            | Body::PayoutFailedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    /// A payout whose beginning is a dead letter stays unknown.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let (status, provider_ref, reason) = match &message.body {
            Body::PayoutRequestedV1(requested) => return Some(row(header, requested, place)),
            Body::PayoutSubmittingV1(_) => (Submitting, None, None),
            Body::PayoutSubmittedV1(e) => (Submitted, e.provider_ref.as_ref(), e.reason.as_ref()),
            Body::PayoutUnknownV1(e) => (Unknown, e.provider_ref.as_ref(), e.reason.as_ref()),
            Body::PayoutPaidV1(e) => (Paid, e.provider_ref.as_ref(), None),
            Body::PayoutFailedV1(e) => (Failed, e.provider_ref.as_ref(), e.reason.as_ref()),
            _ => return before,
        };
        let before = before?;
        Some(Self {
            status: status.name().to_owned(),
            provider_ref: provider_ref.cloned().or(before.provider_ref),
            reason: reason.cloned(),
            updated_at: header.time.get(),
            ..before
        })
    }
}

fn row(header: &Header, requested: &PayoutRequestedV1, place: i64) -> PayoutRow {
    let time = header.time.get();
    PayoutRow {
        id: header.subject.clone(),
        position: place,
        partner_id: header.key.clone(),
        amount_minor: requested.amount.minor,
        currency: requested.amount.currency.code().to_owned(),
        method: requested.method.name().to_owned(),
        masked: requested.masked.clone(),
        status: Requested.name().to_owned(),
        provider_ref: None,
        reason: None,
        requested_at: time,
        updated_at: time,
    }
}
