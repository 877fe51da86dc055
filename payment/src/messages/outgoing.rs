//! Domain events to the wire.

use money::Money;
use pipeline::Emit;
use schemas::{
    Body, LedgerPostedV1, PayoutFailedV1, PayoutPaidV1, PayoutRequestedV1, PayoutSubmittedV1,
    PayoutSubmittingV1, PayoutUnknownV1, Transfer as WireTransfer, WireMoney,
};

use crate::domain::{Event, Note, Posting, Transfer};

/// The wire form of an event. All of payment's are published.
pub(crate) fn emit(event: &Event) -> Emit {
    let (key, subject) = match event {
        Event::PayoutRequested {
            payout, partner, ..
        }
        | Event::PayoutSubmitting {
            payout, partner, ..
        }
        | Event::PayoutSubmitted {
            payout, partner, ..
        }
        | Event::PayoutUnknown {
            payout, partner, ..
        }
        | Event::PayoutPaid {
            payout, partner, ..
        }
        | Event::PayoutFailed {
            payout, partner, ..
        } => (partner.to_string(), payout.to_string()),
        Event::LedgerPosted(posting) => {
            let owner = owner_of(posting);
            (owner.clone(), owner)
        }
    };
    Emit {
        key,
        subject,
        published: true,
        body: body(event),
    }
}

/// A header's texts are never empty, not even for a fact that named nobody.
fn owner_of(posting: &Posting) -> String {
    match posting.owner.as_str() {
        "" => "unknown".to_owned(),
        owner => owner.to_owned(),
    }
}

fn body(event: &Event) -> Body {
    match event.clone() {
        Event::PayoutRequested {
            amount,
            method,
            masked,
            transfer,
            ..
        } => Body::from(PayoutRequestedV1 {
            amount: wire(amount),
            method: method.name().to_owned(),
            masked,
            transfer_id: transfer.to_string(),
        }),
        Event::PayoutSubmitting {
            payout,
            amount,
            method,
            attempt,
            ..
        } => Body::from(PayoutSubmittingV1 {
            attempt,
            reference: payout.into_string(),
            amount: wire(amount),
            method: method.name().to_owned(),
        }),
        Event::PayoutSubmitted {
            amount,
            provider_ref,
            reason,
            ..
        } => Body::from(PayoutSubmittedV1 {
            amount: wire(amount),
            provider_ref,
            reason,
        }),
        Event::PayoutUnknown {
            amount,
            provider_ref,
            reason,
            ..
        } => Body::from(PayoutUnknownV1 {
            amount: wire(amount),
            provider_ref,
            reason,
        }),
        Event::PayoutPaid {
            amount,
            provider_ref,
            transfer,
            ..
        } => Body::from(PayoutPaidV1 {
            amount: wire(amount),
            transfer_id: transfer.to_string(),
            provider_ref,
        }),
        Event::PayoutFailed {
            amount,
            provider_ref,
            reason,
            transfer,
            ..
        } => Body::from(PayoutFailedV1 {
            amount: wire(amount),
            transfer_id: transfer.to_string(),
            provider_ref,
            reason,
        }),
        Event::LedgerPosted(posting) => Body::from(LedgerPostedV1 {
            transfers: posting.transfers.iter().map(wire_transfer).collect(),
            cause: posting.cause.name().to_owned(),
            conversion_id: Some(posting.conversion),
            reason: posting.note.map(|note: Note| note.name().to_owned()),
        }),
    }
}

fn wire(money: Money) -> WireMoney {
    WireMoney {
        minor: money.minor,
        currency: money.currency.code().to_owned(),
    }
}

fn wire_transfer(transfer: &Transfer) -> WireTransfer {
    WireTransfer {
        id: transfer.id.to_string(),
        debit: transfer.debit.to_string(),
        credit: transfer.credit.to_string(),
        minor: transfer.money.minor,
        currency: transfer.money.currency.code().to_owned(),
    }
}
