//! Payouts, from `payment-events`.

use std::collections::HashMap;

use schemas::{Body, Header, Message, PayoutRequestedV1};

use crate::store::payouts::PayoutRow;

/// Whether the message changes a payout that another one made.
pub(super) fn changes(message: &Message) -> bool {
    matches!(
        message.body,
        Body::PayoutSubmittingV1(_)
            | Body::PayoutSubmittedV1(_)
            | Body::PayoutUnknownV1(_)
            | Body::PayoutPaidV1(_)
            | Body::PayoutFailedV1(_)
    )
}

/// Notes what the message says about its payout. One whose beginning is a dead letter stays unknown.
pub(super) fn fold(rows: &mut HashMap<String, PayoutRow>, message: &Message) {
    let header = &message.header;
    let (status, provider_ref, reason) = match &message.body {
        Body::PayoutRequestedV1(requested) => {
            let row = row(header, requested, rows.len());
            rows.insert(header.subject.clone(), row);
            return;
        }
        Body::PayoutSubmittingV1(_) => ("submitting", None, None),
        Body::PayoutSubmittedV1(e) => ("submitted", e.provider_ref.as_ref(), e.reason.as_ref()),
        Body::PayoutUnknownV1(e) => ("unknown", e.provider_ref.as_ref(), e.reason.as_ref()),
        Body::PayoutPaidV1(e) => ("paid", e.provider_ref.as_ref(), None),
        Body::PayoutFailedV1(e) => ("failed", e.provider_ref.as_ref(), e.reason.as_ref()),
        _ => return,
    };
    if let Some(row) = rows.get_mut(&header.subject) {
        status.clone_into(&mut row.status);
        if provider_ref.is_some() {
            row.provider_ref = provider_ref.cloned();
        }
        row.reason = reason.cloned();
        row.updated_at = header.time.get();
    }
}

fn row(header: &Header, requested: &PayoutRequestedV1, place: usize) -> PayoutRow {
    let time = header.time.get();
    PayoutRow {
        id: header.subject.clone(),
        position: super::among_new(place),
        partner_id: header.key.clone(),
        amount_minor: requested.amount.minor,
        currency: requested.amount.currency.code().to_owned(),
        method: requested.method.name().to_owned(),
        masked: requested.masked.clone(),
        status: "requested".to_owned(),
        provider_ref: None,
        reason: None,
        requested_at: time,
        updated_at: time,
    }
}
