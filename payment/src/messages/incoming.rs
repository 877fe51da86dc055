//! What comes from elsewhere: commands, which may be refused, and facts, which may not.

use std::fmt::Display;

use schemas::{Body, Event as _, IssueStatementV1, Message, RequestPayoutV1};
use sealing::Details;
use types::{Money, PartnerId, PayoutId, Uuid};

use super::funds;
use crate::domain::{
    Answer, Code, Command, Counted, Fact, Method, PayoutAt, PayoutRequest, Rejection,
    partner_unknown, payout_unknown,
};

/// A message, understood.
#[derive(Debug)]
pub(crate) enum Read {
    /// It asks.
    Command(Command),
    /// It states.
    Fact(Fact),
}

/// Reads a command or a fact. `opened` is what a request of a payout had sealed.
pub(crate) fn read(message: &Message, opened: Option<&Details>) -> Result<Read, Rejection> {
    Ok(match &message.body {
        Body::RequestPayoutV1(request) => {
            Read::Command(Command::RequestPayout(requested(message, request, opened)?))
        }
        Body::BeginPayoutV1(begin) => {
            let after = Uuid::parse_str(&begin.requested_event_id).ok();
            Read::Command(Command::BeginPayout(payout_at(message, after)?))
        }
        Body::RecordPayoutAnswerV1(response) => Read::Command(Command::RecordPayoutAnswer {
            at: payout_at(message, message.header.causation_id)?,
            answer: Answer::parse(&response.answer)
                .ok_or_else(|| unreadable("an answer that is not known"))?,
            provider_ref: response.provider_ref.clone(),
            reason: response.reason.clone(),
        }),
        Body::IssueStatementV1(wire) => Read::Command(statement(message, wire)?),
        _ => match funds::command(message) {
            Some(command) => Read::Command(Command::Funds(command?)),
            None => Read::Fact(fact(message)?),
        },
    })
}

fn payout_at(message: &Message, after: Option<Uuid>) -> Result<PayoutAt, Rejection> {
    let unknown = |_| payout_unknown();
    Ok(PayoutAt {
        payout: PayoutId::parse(&*message.header.subject).map_err(unknown)?,
        partner: PartnerId::parse(&*message.header.key).map_err(unknown)?,
        after: after.ok_or_else(|| unreadable("it names no event that it follows"))?,
    })
}

fn statement(message: &Message, wire: &IssueStatementV1) -> Result<Command, Rejection> {
    Ok(Command::IssueStatement(Counted {
        partner: PartnerId::parse(&*message.header.key).map_err(|_| partner_unknown())?,
        month: wire.month.parse().map_err(unreadable)?,
        since: wire.since,
        lines: wire.lines.clone(),
        through: wire.through,
    }))
}

fn fact(message: &Message) -> Result<Fact, Rejection> {
    let fact = Fact::read(message).map_err(unreadable)?;
    fact.ok_or_else(|| unreadable("payment takes no such message"))
}

/// The message says something that no build of ours would.
pub(super) fn unreadable(what: impl Display) -> Rejection {
    Rejection::new(Code::Unreadable, format!("it cannot be read: {what}"))
}

fn requested(
    message: &Message,
    request: &RequestPayoutV1,
    opened: Option<&Details>,
) -> Result<PayoutRequest, Rejection> {
    let partner = PartnerId::parse(&*message.header.key).map_err(|_| partner_unknown())?;
    let payout = PayoutId::parse(&*message.header.subject)
        .map_err(|_| unreadable("the subject is no payout's id"))?;
    let method = Method::parse(&request.method).ok_or_else(|| {
        let detail = "the payment method is not supported: paypal and bank_transfer are";
        Rejection::of("/payment_method", Code::MethodUnknown, detail)
    })?;
    let amount = Money::try_from(&request.amount).map_err(|_| {
        let detail = "the currency is not a known ISO 4217 code";
        Rejection::of("/currency", Code::CurrencyUnknown, detail)
    })?;
    // The rules of our own edges: a producer of its own need not have kept to them.
    let details = opened.and_then(|details| details.checked(method).ok());
    Ok(PayoutRequest {
        payout,
        partner,
        amount,
        method,
        // Masked anew from what was opened: what a sender calls masked may not be.
        masked: details.as_ref().map(Details::masked).unwrap_or_default(),
        details_open: details.is_some(),
    })
}
