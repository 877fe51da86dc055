//! Own events read back from the log.

use money::{Currency, Money, PartnerId, PayoutId, Uuid};
use schemas::{Body, LedgerPostedV1, Message, Transfer as WireTransfer};

use super::money;
use crate::domain::{Cause, Event, Method, Note, Posting, Transfer};

/// The event that a message of the own log was, or `None` for what is no event of the domain.
pub(crate) fn own_event(message: &Message) -> Option<Event> {
    let payout = || PayoutId::parse(&*message.header.subject).ok();
    let partner = || PartnerId::parse(&*message.header.key).ok();
    Some(match &message.body {
        Body::PayoutRequestedV1(body) => Event::PayoutRequested {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            method: Method::parse(&body.method)?,
            masked: body.masked.clone(),
            transfer: uuid(&body.transfer_id)?,
        },
        Body::PayoutSubmittingV1(body) => Event::PayoutSubmitting {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            method: Method::parse(&body.method)?,
            attempt: body.attempt,
        },
        Body::PayoutSubmittedV1(body) => Event::PayoutSubmitted {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            provider_ref: body.provider_ref.clone(),
            reason: body.reason.clone(),
        },
        Body::PayoutUnknownV1(body) => Event::PayoutUnknown {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            provider_ref: body.provider_ref.clone(),
            reason: body.reason.clone(),
        },
        Body::PayoutPaidV1(body) => Event::PayoutPaid {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            provider_ref: body.provider_ref.clone(),
            transfer: uuid(&body.transfer_id)?,
        },
        Body::PayoutFailedV1(body) => Event::PayoutFailed {
            payout: payout()?,
            partner: partner()?,
            amount: money(&body.amount)?,
            provider_ref: body.provider_ref.clone(),
            reason: body.reason.clone(),
            transfer: uuid(&body.transfer_id)?,
        },
        Body::LedgerPostedV1(body) => Event::LedgerPosted(posting(&message.header.key, body)?),
        _ => return None,
    })
}

fn posting(owner: &str, body: &LedgerPostedV1) -> Option<Posting> {
    let note = match &body.reason {
        Some(reason) => Some(Note::parse(reason)?),
        None => None,
    };
    Some(Posting {
        cause: Cause::parse(&body.cause)?,
        owner: owner.to_owned(),
        conversion: body.conversion_id.clone().unwrap_or_default(),
        transfers: body.transfers.iter().map(transfer).collect::<Option<_>>()?,
        note,
    })
}

fn transfer(wire: &WireTransfer) -> Option<Transfer> {
    let currency = Currency::parse(&wire.currency).ok()?;
    Some(Transfer {
        id: uuid(&wire.id)?,
        debit: wire.debit.parse().ok()?,
        credit: wire.credit.parse().ok()?,
        money: Money::new(wire.minor, currency),
    })
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}
